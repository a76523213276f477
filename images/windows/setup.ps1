# Run once, at the first logon of an unattended installation: drivers, the agent, what make-fit.ps1 wants, and the end. What
# it says goes out by the second serial port, because the first is the emergency console's.
param([ValidateSet('test', 'secure')][string]$Signing = 'test')

$port = New-Object IO.Ports.SerialPort 'COM2', 115200
# Without it nobody would hear of anything, and the installation would wait in vain.
try { $port.Open() } catch { shutdown.exe /s /t 5; exit 1 }
function Say($text) { $port.WriteLine('labctl: ' + $text) }
function Get-Volume-Of($name) { (Get-CimInstance Win32_LogicalDisk | Where-Object { $_.VolumeName -like $name } | Select-Object -First 1).DeviceID }

try {
  $ErrorActionPreference = 'Stop'
  $virtio = Get-Volume-Of 'virtio-win*'
  if (-not $virtio) { throw 'the medium with the virtio drivers is not there' }
  Say 'installing the virtio drivers and the agent'
  # Among them pvpanic and fwcfg, which tell of a stop and let its memory be read.
  Start-Process msiexec.exe -Wait -ArgumentList '/i', ($virtio + '\virtio-win-gt-x64.msi'), '/qn', '/norestart'
  Start-Process msiexec.exe -Wait -ArgumentList '/i', ($virtio + '\guest-agent\qemu-ga-x86_64.msi'), '/qn', '/norestart'
  $seed = Split-Path $MyInvocation.MyCommand.Path
  New-Item -ItemType Directory -Force C:\ProgramData\labctl\tools | Out-Null
  Copy-Item -Force ($seed + '\make-fit.ps1') C:\ProgramData\labctl\tools
  if (Test-Path ($seed + '\notmyfault64.exe')) { Copy-Item -Force ($seed + '\notmyfault64.exe') C:\ProgramData\labctl\tools }
  foreach ($update in @(Get-ChildItem ($seed + '\updates\*') -ErrorAction SilentlyContinue | Sort-Object Name)) {
    Say ('installing the update ' + $update.Name)
    dism.exe /online /add-package ('/packagepath:' + $update.FullName) /quiet /norestart | Out-Null
    if (0, 3010 -notcontains $LASTEXITCODE) { throw ('the update ' + $update.Name + ' ended with ' + $LASTEXITCODE) }
  }
  # The runtime of the emergency console is a feature on demand on clients; its kernel's part is thought to do without.
  Say 'making it fit'
  $ErrorActionPreference = 'Continue'
  & C:\ProgramData\labctl\tools\make-fit.ps1 -Signing $Signing | ForEach-Object { Say $_ }
  & C:\ProgramData\labctl\tools\make-fit.ps1 -Signing $Signing -Check | ForEach-Object { Say $_ }
  if ($LASTEXITCODE -ne 0) { throw 'something is still missing' }
  $system = Get-CimInstance Win32_OperatingSystem
  foreach ($driver in @(pnputil.exe /enum-drivers | Select-String 'Original Name')) { Say ('package ' + $driver.ToString().Split(':')[1].Trim()) }
  Say ('ready ' + [Environment]::OSVersion.Version.ToString() + ' ' + $system.Caption)
} catch {
  Say ('failed ' + $_.Exception.Message)
}
$port.Close()
shutdown.exe /s /t 5
