# What is loaded cannot be compared with the file that it came from, so `fresh` is unknown; the file is the build.
# A file that is not there is an answer: an error would only say that the guest could not answer. Of a driver without an
# ImagePath, Windows loads System32\drivers\NAME.sys.
# Driver Verifier is on when the registry says so, and active when its own list of loaded drivers has the file.
# Answers state= file= file_sha256= build_id= version= fresh= package= verifier= verifier_level= verifier_active=.
# Values: service, kind.

$key = 'HKLM:\SYSTEM\CurrentControlSet\Services\' + $service
if (-not (Test-Path $key)) { 'state=absent'; exit 0 }
$state = 'stopped'
if (Get-CimInstance Win32_BaseService -Filter ('Name = ''' + $service + ''' and State = ''Running''')) { $state = 'live' }
$boot = (Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('o')
$pending = Get-Content -ErrorAction SilentlyContinue C:\ProgramData\labctl\pending
if ($pending -eq $boot) { $state = 'pending' }
$image = (Get-ItemProperty $key).ImagePath
if (-not $image -and $state -eq 'stopped') { $state = 'registered without an ImagePath' }
'state=' + $state
if (-not $image) { $image = 'System32\drivers\' + $service + '.sys' }
$file = $image -replace '^\\[?][?]\\', '' -replace '^\\SystemRoot\\', 'C:\Windows\' -replace '^System32\\', 'C:\Windows\System32\'
$hash = 'absent'
$version = ''
if (Test-Path $file) {
  $hash = (Get-FileHash -Algorithm SHA256 $file).Hash.ToLower()
  $version = (Get-Item $file).VersionInfo.FileVersion
}
'file=' + $file
'file_sha256=' + $hash
'build_id=' + $hash
'version=' + $version
'fresh=unknown'
if ($kind -eq 'inf') {
  $own = @(Get-ChildItem -Recurse C:\ProgramData\labctl\package -Filter *.sys | Where-Object { (Get-FileHash -Algorithm SHA256 $_.FullName).Hash -eq $hash })
  if ($own.Count -gt 0) { 'package=right' } else { 'package=another file than the package has' }
}
$verified = Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management'
$leaf = Split-Path -Leaf $file
if (($verified.VerifyDrivers + '').Split(' ') -contains $leaf) {
  'verifier=on'
  'verifier_level=' + $verified.VerifyDriverLevel
  $word = 'no'
  if (@(verifier.exe /query | Where-Object { $_ -match ('\b' + [regex]::Escape($leaf)) }).Count -gt 0) { $word = 'yes' }
  if ((Get-Content -ErrorAction SilentlyContinue C:\ProgramData\labctl\verifier) -eq $boot) { $word = 'waits' }
  'verifier_active=' + $word
} else { 'verifier=off' }
