# Driver Verifier for the candidate, from the next boot on: what it waits for is kept for loaded.ps1. The two empty words stand
# for the pool tags and applications that it fails for: all.
# Values: service (several with '|' between), verifier (off, standard, low-resources, or the flags as a number).

if ($verifier -ne 'off') {
  $faults = @('/flags', $verifier)
  if ($verifier -eq 'low-resources') { $faults = @('/faults', '599', '""', '""', '1') }
  if ($verifier -eq 'standard') { $faults = @('/standard') }
  verifier.exe $faults /driver @($service.Split('|') | ForEach-Object { $_ + '.sys' })
  if (0, 2 -notcontains $LASTEXITCODE) { exit 1 }
  verifier.exe /bootmode persistent
  if (0, 2 -notcontains $LASTEXITCODE) { exit 1 }
  $since = (Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('o')
  Set-Content C:\ProgramData\labctl\verifier $since
}
