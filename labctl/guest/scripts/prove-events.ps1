# Events as this system writes them, to become test data: the newest of the System log, and of those that labctl reads.
# Answers events= and event_xml=.

$all = @(wevtutil.exe qe System /f:xml /rd:true /c:20)
$all
'events=' + $all.Count
$word = 'readable'
foreach ($line in $all) {
  try { $id = ([xml]$line).Event.System.EventID } catch { $word = 'not readable' }
}
'event_xml=' + $word
