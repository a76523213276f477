# What guards the kernel, in numbers: VBS runs when vbs is 2, memory integrity when 2 is among the services that run.
# Answers vbs= services_configured= services_running=.

$guard = Get-CimInstance -Namespace root\Microsoft\Windows\DeviceGuard -ClassName Win32_DeviceGuard
'vbs=' + $guard.VirtualizationBasedSecurityStatus
'services_configured=' + (@($guard.SecurityServicesConfigured) -join ' ')
'services_running=' + (@($guard.SecurityServicesRunning) -join ' ')
