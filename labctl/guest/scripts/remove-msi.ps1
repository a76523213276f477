# Values: package.

$code = (Start-Process msiexec.exe -ArgumentList '/x', $package, '/qn', '/norestart' -Wait -PassThru).ExitCode
'msiexec=' + $code
if (0, 3010 -notcontains $code) { exit 1 }
exit 0
