# Copies from the CD. Answers <file>=<sha256>.
# Values: files (divided by |), folder.

$cd = $null
for ($n = 0; $n -lt 100 -and -not $cd; $n++) {
  $cd = Get-CimInstance Win32_LogicalDisk -Filter 'VolumeName = ''LABCTL''' | Select-Object -First 1
  if (-not $cd) { Start-Sleep -Milliseconds 200 }
}
if (-not $cd) { 'no drive holds the volume LABCTL'; exit 1 }
New-Item -ItemType Directory -Force $folder | Out-Null
foreach ($name in $files.Split('|')) {
  $copy = $folder + '\' + $name
  Copy-Item -Force ($cd.DeviceID + '\' + $name) $copy
  Set-ItemProperty $copy IsReadOnly $false
  $name + '=' + (Get-FileHash -Algorithm SHA256 $copy).Hash.ToLower()
}
Write-VolumeCache C
