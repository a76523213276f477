# File system filters, and their altitudes out of the registry.
# Answers fltmc= and defender_altitude=; what fltmc says stands before them as it is.

fltmc.exe instances
$word = 'refuses'
if ($LASTEXITCODE -eq 0) { $word = 'answers' }
'fltmc=' + $word
$key = 'HKLM:\SYSTEM\CurrentControlSet\Services\WdFilter\Instances\WdFilter Instance'
$word = 'absent'
if (Test-Path $key) { $word = (Get-ItemProperty $key).Altitude }
'defender_altitude=' + $word
