# What guards the kernel: virtualization-based security, memory integrity, Driver Verifier, Code Integrity's log.
# Answers device_guard= vbs= services_running= verify_drivers= code_integrity_log=.

$guard = Get-CimInstance -Namespace root\Microsoft\Windows\DeviceGuard -ClassName Win32_DeviceGuard
$guard | Format-List | Out-String
'device_guard=answers'
'vbs=' + $guard.VirtualizationBasedSecurityStatus
'services_running=' + (@($guard.SecurityServicesRunning) -join ' ')
$manager = Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management'
'verify_drivers=' + $manager.VerifyDrivers
wevtutil.exe get-log Microsoft-Windows-CodeIntegrity/Operational | Out-Null
$word = 'absent'
if ($LASTEXITCODE -eq 0) { $word = 'there' }
'code_integrity_log=' + $word
