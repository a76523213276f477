# Behind events.ps1. Answers kernel= crash_records=.

'kernel=' + [Environment]::OSVersion.Version.ToString()
'crash_records=' + ($events.Count + $dumps.Count)
