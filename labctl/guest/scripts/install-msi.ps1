# An installer. Status 1618 of msiexec: another installation is in progress. Leaves $pending.
# Values: package.

$pending = $false
for ($n = 0; $n -lt 10; $n++) {
  $code = (Start-Process msiexec.exe -ArgumentList '/i', $package, '/qn', '/norestart' -Wait -PassThru).ExitCode
  'msiexec=' + $code
  if ($code -ne 1618) { break }
  Start-Sleep -Seconds 5
}
if (0, 3010, 1641 -notcontains $code) { exit 1 }
if (3010, 1641 -contains $code) { $pending = $true }
