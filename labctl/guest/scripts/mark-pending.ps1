# A driver that is loaded only after the next boot says so for as long as this boot lasts.
# Values: pending.

$boot = (Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('o')
Remove-Item -Force -ErrorAction SilentlyContinue C:\ProgramData\labctl\pending
if ($pending) { Set-Content C:\ProgramData\labctl\pending $boot; 'pending=reboot' }
