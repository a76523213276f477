# Copies a file to its path; exits 126 when it cannot.
# Values: file, path.

try {
  New-Item -ItemType Directory -Force (Split-Path $path) | Out-Null
  Copy-Item -Force $file $path
  Set-ItemProperty $path IsReadOnly $false
  Write-VolumeCache C
} catch { $_.Exception.Message; exit 126 }
