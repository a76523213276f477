# Values: service.

sc.exe stop $service
for ($n = 0; $n -lt 50 -and (sc.exe query $service | Select-String 'STATE *: *[2-7]'); $n++) { Start-Sleep -Milliseconds 200 }
sc.exe delete $service
if (0, 1060, 1072 -notcontains $LASTEXITCODE) { exit 1 }
exit 0
