# What a crash leaves behind: $events and $dumps. 1001 of another source is not a crash.

$query = '/q:*[System[(EventID=1001 and Provider[@Name=''Microsoft-Windows-WER-SystemErrorReporting'']) or EventID=41 or EventID=6008]]'
$events = @(wevtutil.exe qe System $query /f:xml /rd:true /c:50)
$dumps = @(Get-ChildItem -Force -ErrorAction SilentlyContinue 'C:\Windows\Minidump\*.dmp', 'C:\Windows\MEMORY.DMP' | Sort-Object LastWriteTimeUtc -Descending)
