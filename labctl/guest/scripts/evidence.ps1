# Behind events.ps1. Answers kernel= crash_records= more_crash_records=yes (there are events that were not counted).

'kernel=' + [Environment]::OSVersion.Version.ToString()
'crash_records=' + ($events.Count + $dumps.Count)
if ($more_events) { 'more_crash_records=yes' }
