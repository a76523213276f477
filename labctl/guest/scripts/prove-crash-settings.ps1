# What happens at a stop, as the registry and the boot configuration say it.
# Answers dump= nmi_dump= auto_reboot= ems= recovery=.

$control = Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Control\CrashControl'
$control | Format-List | Out-String
$boot = @(bcdedit.exe /enum '{current}')
$boot
bcdedit.exe /enum '{emssettings}'
'dump=' + $control.CrashDumpEnabled
'nmi_dump=' + $control.NMICrashDump
'auto_reboot=' + $control.AutoReboot
$word = 'no'
if (@($boot | Select-String -Pattern '^ems +Yes').Count -gt 0) { $word = 'yes' }
'ems=' + $word
$word = 'yes'
if (@($boot | Select-String -Pattern '^recoveryenabled +No').Count -gt 0) { $word = 'no' }
'recovery=' + $word
