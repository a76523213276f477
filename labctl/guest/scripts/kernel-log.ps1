# Behind events.ps1. What the system has written down of its own health; then each dump as dump=PATH|BYTES|TIME,
# and the reports of what it recovered from as live=PATH|BYTES|TIME|CODE, the code of the stop that it was spared. Last, the
# events of drivers that a policy of Code Integrity in audit mode let in, and would refuse when it is in force.

'log=System'
$events
if ($more_events) { 'log=older events of crashes are left out: there are more than 50' }
foreach ($dump in $dumps) { 'dump=' + $dump.FullName + '|' + $dump.Length + '|' + $dump.LastWriteTimeUtc.ToString('o') }
$reports = @(Get-ChildItem -Recurse -Force -ErrorAction SilentlyContinue C:\Windows\LiveKernelReports -Filter *.dmp)
foreach ($report in @($reports | Sort-Object LastWriteTimeUtc -Descending | Select-Object -First 20)) {
  $head = New-Object byte[] 60
  $code = ''
  try {
    $stream = [IO.File]::OpenRead($report.FullName)
    if ($stream.Read($head, 0, 60) -eq 60) { $code = [BitConverter]::ToUInt32($head, 56) }
    $stream.Close()
  } catch { $code = '' }
  'live=' + $report.FullName + '|' + $report.Length + '|' + $report.LastWriteTimeUtc.ToString('o') + '|' + $code
}
$audits = @(wevtutil.exe qe Microsoft-Windows-CodeIntegrity/Operational '/q:*[System[EventID=3076]]' /f:xml /rd:true /c:20)
$audits
