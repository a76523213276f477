# Makes a Windows fit for labctl's cells, or says what it lacks.
#
#   powershell -ExecutionPolicy Bypass -File make-fit.ps1 -Check      says what is missing, changes nothing; status 1 if anything is
#   powershell -ExecutionPolicy Bypass -File make-fit.ps1             changes it; then restart, and check again
#
# As an administrator, in the Windows that is to become an image. Nobody has run it on a real Windows yet: it comes from
# Microsoft's documentation. -Signing test lets test-signed drivers load, which Secure Boot forbids; secure leaves that off.
param([switch]$Check, [ValidateSet('test', 'secure')][string]$Signing = 'test')

$control = 'HKLM:\SYSTEM\CurrentControlSet\Control'
$crash = $control + '\CrashControl'
$power = $control + '\Session Manager\Power'
$update = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU'

function Get-Value($key, $name) { (Get-ItemProperty -Path $key -Name $name -ErrorAction SilentlyContinue).$name }
function Set-Value($key, $name, $value) {
  if (-not (Test-Path $key)) { New-Item -Force -Path $key | Out-Null }
  Set-ItemProperty -Path $key -Name $name -Value $value -Type DWord
}
function Test-Timer($group, $setting) { [bool](powercfg.exe /query SCHEME_CURRENT $group $setting | Select-String -Pattern 'AC Power Setting Index: 0x0*[1-9a-f]') }
function Test-Boot($entry, $pattern) { [bool](bcdedit.exe /enum $entry | Select-String -Pattern $pattern) }

# What it is for, whether it is so, and how it becomes so.
$wanted = @(
  @('a dump of the kernel is written', { (Get-Value $crash 'CrashDumpEnabled') -in 2, 7 }, { Set-Value $crash 'CrashDumpEnabled' 2 }),
  @('an earlier dump is overwritten', { (Get-Value $crash 'Overwrite') -eq 1 }, { Set-Value $crash 'Overwrite' 1 }),
  @('a dump is kept however full the disk', { (Get-Value $crash 'AlwaysKeepMemoryDump') -eq 1 }, { Set-Value $crash 'AlwaysKeepMemoryDump' 1 }),
  @('an NMI stops Windows', { (Get-Value $crash 'NMICrashDump') -eq 1 }, { Set-Value $crash 'NMICrashDump' 1 }),
  @('Windows restarts behind a stop', { (Get-Value $crash 'AutoReboot') -eq 1 }, { Set-Value $crash 'AutoReboot' 1 }),
  @('the emergency console is on', { Test-Boot '{current}' '^ems +Yes' }, {
      bcdedit.exe /emssettings EMSPORT:1 EMSBAUDRATE:115200
      bcdedit.exe /ems '{current}' on
    }),
  @('no recovery environment takes over', { Test-Boot '{current}' '^recoveryenabled +No' }, {
      bcdedit.exe /set '{current}' recoveryenabled No
      reagentc.exe /disable
    }),
  @('a failed boot is not hidden', { Test-Boot '{current}' '^bootstatuspolicy +IgnoreAllFailures' }, {
      bcdedit.exe /set '{current}' bootstatuspolicy IgnoreAllFailures
    }),
  @('Quick Machine Recovery removes no driver', {
      $told = reagentc.exe /getrecoverysettings 2>&1 | Out-String
      $LASTEXITCODE -ne 0 -or $told -notmatch 'CloudRemediation\s+state\s*=\s*"1"'
    }, {
      $file = $env:TEMP + '\recovery.xml'
      Set-Content $file '<WindowsRE><CloudRemediation state="0"/><AutoRemediation state="0"/></WindowsRE>'
      reagentc.exe /setrecoverysettings /path $file
    }),
  @('fast startup is off', { (Get-Value $power 'HiberbootEnabled') -eq 0 }, { Set-Value $power 'HiberbootEnabled' 0 }),
  @('hibernation is off', { (Get-Value ($control + '\Power') 'HibernateEnabled') -eq 0 }, { powercfg.exe /hibernate off }),
  @('nothing sleeps', { -not (Test-Timer 'SUB_SLEEP' 'STANDBYIDLE') -and -not (Test-Timer 'SUB_VIDEO' 'VIDEOIDLE') }, {
      powercfg.exe /change standby-timeout-ac 0
      powercfg.exe /change monitor-timeout-ac 0
    }),
  @('no updates come by themselves', { (Get-Value $update 'NoAutoUpdate') -eq 1 }, {
      Set-Value $update 'NoAutoUpdate' 1
      Set-Service wuauserv -StartupType Disabled
    }),
  @('the clock is not moved', { (Get-Service w32time).StartType -eq 'Disabled' }, { Set-Service w32time -StartupType Disabled }),
  @('the disk is not encrypted', {
      $volume = Get-CimInstance -Namespace root/cimv2/security/microsoftvolumeencryption -ClassName Win32_EncryptableVolume -Filter 'DriveLetter = ''C:''' -ErrorAction SilentlyContinue
      -not $volume -or $volume.ProtectionStatus -eq 0
    }, {
      Set-Value ($control + '\BitLocker') 'PreventDeviceEncryption' 1
      manage-bde.exe -off C:
    }),
  @('the language is English', { (Get-WinSystemLocale).Name -eq 'en-US' -and (Get-UICulture).Name -eq 'en-US' }, $null),
  @('test-signed drivers load', { $Signing -eq 'secure' -or (Test-Boot '{current}' '^testsigning +Yes') }, {
      bcdedit.exe /set '{current}' testsigning on
    }),
  @('the guest agent runs', { (Get-Service QEMU-GA -ErrorAction SilentlyContinue).Status -eq 'Running' }, $null),
  @('the agent may run programs', { -not (Test-Path 'C:\Program Files\Qemu-ga\qemu-ga.conf') -or -not (Select-String 'guest-exec' 'C:\Program Files\Qemu-ga\qemu-ga.conf') }, $null),
  @('the evaluation has not expired', {
      $told = cscript.exe //nologo C:\Windows\System32\slmgr.vbs /xpr | Out-String
      $told -notmatch 'Notification mode|expired'
    }, $null),
  @('no record of an earlier crash is left', {
      @(Get-ChildItem -Force -ErrorAction SilentlyContinue C:\Windows\Minidump\*.dmp, C:\Windows\MEMORY.DMP).Count -eq 0 -and
      @(wevtutil.exe qe System '/q:*[System[(EventID=41 and Provider[@Name=''Microsoft-Windows-Kernel-Power'']) or (EventID=6008 and Provider[@Name=''EventLog''])]]' /f:xml /c:1).Count -eq 0
    }, {
      Remove-Item -Force -ErrorAction SilentlyContinue C:\Windows\Minidump\*.dmp, C:\Windows\MEMORY.DMP
      wevtutil.exe clear-log System
    })
)

$missing = 0
foreach ($one in $wanted) {
  $what, $is_so, $make_so = $one
  if (& $is_so) { continue }
  if (-not $Check -and $make_so) {
    & $make_so | Out-Null
    'changed: ' + $what
    continue
  }
  'missing: ' + $what
  $missing++
}
if ($missing -gt 0) { exit 1 }
'fit, as far as this script can tell'
exit 0
