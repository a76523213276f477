# What is known of drivers without reading a localised word: the packages, and one driver that every Windows runs.
# Answers windows_driver= inbox_state= inbox_file=; what pnputil says stands before them as it is.

$packages = @(Get-WindowsDriver -Online)
$packages | Select-Object -First 20 | Format-List -Property @('Driver', 'OriginalFileName', 'ProviderName', 'Version', 'DriverSignature') | Out-String
pnputil.exe /enum-drivers | Select-Object -First 60
'windows_driver=answers'
$service = Get-CimInstance Win32_BaseService -Filter 'Name = ''Null'''
'inbox_state=' + $service.State
$word = 'absent'
if (Test-Path 'C:\Windows\System32\drivers\null.sys') { $word = 'there' }
'inbox_file=' + $word
