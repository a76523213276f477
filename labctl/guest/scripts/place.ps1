# Copies a file to its path; exits 126 when it cannot. A full disk is told in one language.
# Values: file, path.

try {
  New-Item -ItemType Directory -Force (Split-Path $path) | Out-Null
  Copy-Item -Force $file $path
  Set-ItemProperty $path IsReadOnly $false
  Write-VolumeCache C
} catch {
  $_.Exception.Message
  if ($_.Exception.HResult -eq -2147024784) { 'No space left on device' }
  exit 126
}
