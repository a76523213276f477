# A recovery environment looks like a live machine with a calm screen, and safe mode leaves the driver out: both
# would be false good news. Waits until no service is starting any more. Answers system=.

if (Test-Path 'HKLM:\SYSTEM\CurrentControlSet\Control\MiniNT') { 'system=winpe'; exit 0 }
if ($env:SystemRoot -ne 'C:\Windows') { 'system=another-root'; exit 0 }
if (Test-Path 'HKLM:\SYSTEM\CurrentControlSet\Control\SafeBoot\Option') { 'system=safe-mode'; exit 0 }
if ((Get-ItemProperty 'HKLM:\SYSTEM\Setup').SystemSetupInProgress -ne 0) { 'system=setup'; exit 0 }
while (@(Get-CimInstance Win32_Service -Filter 'State = ''Start Pending''').Count -gt 0) { Start-Sleep -Seconds 1 }
'system=running'
