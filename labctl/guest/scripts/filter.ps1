# A minifilter, by what fltmc lists. Its headings are in the system's language and are not read: the line of an instance is a
# filter, a volume, an altitude, the instance's name, a frame and eight hexadecimal digits. Words behind those tell of a volume
# that is gone, and the line does not count.
# Answers filter= instances= beside=. Values: service.

$filters = @(fltmc.exe filters)
if ($LASTEXITCODE -ne 0) { exit 1 }
$lines = @(fltmc.exe instances)
if ($LASTEXITCODE -ne 0) { exit 1 }
$word = 'absent'
if (@($filters | Where-Object { $_ -match ('^' + [regex]::Escape($service) + '\s+[0-9]+\s') }).Count -gt 0) { $word = 'loaded' }
'filter=' + $word
$own = @()
$beside = @()
foreach ($line in $lines) {
  if ($line -notmatch '^(\S+)\s+(.*?)\s+([0-9]+(?:\.[0-9]+)?)\s+(.+?)\s+([0-9]+)\s+([0-9A-Fa-f]{8})\s*$') { continue }
  if ($Matches[1] -eq $service) { $own += $Matches[2] + '@' + $Matches[3] } else { $beside += $Matches[1] + '@' + $Matches[3] }
}
'instances=' + ($own -join '|')
'beside=' + (@($beside | Sort-Object -Unique) -join '|')
