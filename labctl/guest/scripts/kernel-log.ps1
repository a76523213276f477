# Behind events.ps1. What the system has written down of its own health; then each dump as dump=PATH|BYTES|TIME.

'log=System'
$events
foreach ($dump in $dumps) { 'dump=' + $dump.FullName + '|' + $dump.Length + '|' + $dump.LastWriteTimeUtc.ToString('o') }
