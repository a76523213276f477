# Values: service (several with '|' between).

foreach ($each in $service.Split('|')) {
  $running = 'Name = ''' + $each + ''' and State != ''Stopped'''
  sc.exe stop $each
  for ($n = 0; $n -lt 50 -and (Get-CimInstance Win32_BaseService -Filter $running); $n++) { Start-Sleep -Milliseconds 200 }
  sc.exe delete $each
  if (0, 1060, 1072 -notcontains $LASTEXITCODE) { exit 1 }
}
exit 0
