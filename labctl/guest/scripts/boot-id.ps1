# What a boot of Windows is called by: the moment at which it began. Answers boot_id=.

$boot = (Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('o')
'boot_id=' + $boot
