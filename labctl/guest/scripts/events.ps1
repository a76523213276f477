# What a crash leaves behind: the newest events, whether there are more, and dumps. The numbers are those of many sources.
# Leaves $events, $more_events, $dumps.

$query = '/q:*[System[(EventID=1001 and Provider[@Name=''Microsoft-Windows-WER-SystemErrorReporting'']) or (EventID=41 and Provider[@Name=''Microsoft-Windows-Kernel-Power'']) or (EventID=6008 and Provider[@Name=''EventLog''])]]'
$events = @(wevtutil.exe qe System $query /f:xml /rd:true /c:51)
$more_events = $events.Count -gt 50
$events = @($events | Select-Object -First 50)
$dumps = @(Get-ChildItem -Force -ErrorAction SilentlyContinue 'C:\Windows\Minidump\*.dmp', 'C:\Windows\MEMORY.DMP' | Sort-Object LastWriteTimeUtc -Descending)
