# A driver without a package. One that does not let itself be stopped is replaced at the next boot. Leaves $pending.
# Values: package, service, start.

$file = 'C:\Windows\System32\drivers\' + $service + '.sys'
$pending = $false
$running = 'Name = ''' + $service + ''' and State != ''Stopped'''
sc.exe query $service
if ($LASTEXITCODE -eq 0) {
  sc.exe stop $service
  for ($n = 0; $n -lt 50 -and (Get-CimInstance Win32_BaseService -Filter $running); $n++) { Start-Sleep -Milliseconds 200 }
  if (Get-CimInstance Win32_BaseService -Filter $running) {
    $pending = $true
    Move-Item -Force $file ($file + '.old')
  }
} else {
  sc.exe create $service type= kernel start= $start error= normal binPath= $file
  if ($LASTEXITCODE -ne 0) { exit 1 }
}
Copy-Item -Force $package $file
Set-ItemProperty $file IsReadOnly $false
Write-VolumeCache C
if (-not $pending) {
  sc.exe start $service
  if (0, 1056 -notcontains $LASTEXITCODE) { exit 1 }
}
