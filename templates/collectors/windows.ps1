# One line of reports.jsonl about this machine, on standard output: run it every hour and after each start, as an administrator.
#   windows.ps1 -Ring early -Driver C:\Windows\System32\drivers\sensor.sys -Content C:\ProgramData\sensor\content.bin
# Driver and Content are the files that the gate tested, where they are kept on this machine. Stops come from event 1001 and from
# minidumps without one. The id is a digest with a salt of this machine's own. Stops are named by their code:
# windows-titles.sh gives them `labctl scan`'s titles where the lines are gathered. Tried on no Windows yet; its syntax is checked.
param([string]$Ring, [string]$Driver = '', [string]$Content = '', [string]$State = "$env:ProgramData\labctl-report")
$ErrorActionPreference = 'Stop'
$form = "yyyy-MM-dd'T'HH:mm:ss'Z'"
$now = [DateTime]::UtcNow
New-Item -ItemType Directory -Force $State | Out-Null
if (-not (Test-Path "$State\salt")) { Set-Content "$State\salt" ([Guid]::NewGuid()) }
if (-not (Test-Path "$State\last")) { Set-Content "$State\last" $now.ToString('o') }
$last = [DateTime]::Parse((Get-Content "$State\last"), $null, 'RoundtripKind')
function Get-Digest($file) { if ($file) { (Get-FileHash -Algorithm SHA256 $file).Hash.ToLower() } else { '' } }
$written = @($Driver, $Content | Where-Object { $_ } | ForEach-Object { (Get-Item $_).CreationTimeUtc; (Get-Item $_).LastWriteTimeUtc })
$from = ($written + $last | Where-Object { $_ -le $now } | Sort-Object | Select-Object -Last 1)
$events = @{LogName = 'System'; StartTime = $last.ToLocalTime() }
$stops = @(Get-WinEvent -FilterHashtable ($events + @{Id = 1001; ProviderName = 'Microsoft-Windows-WER-SystemErrorReporting' }) -ErrorAction SilentlyContinue)
$starts = @(Get-WinEvent -FilterHashtable ($events + @{Id = 12; ProviderName = 'Microsoft-Windows-Kernel-General' }) -ErrorAction SilentlyContinue)
$crashes = @($stops | ForEach-Object { @{title = 'stop ' + ($_.Properties[0].Value -replace ' .*', ''); module = '' } })
$dumps = @(Get-ChildItem "$env:SystemRoot\Minidump\*.dmp" -ErrorAction SilentlyContinue | Where-Object { $_.LastWriteTimeUtc -gt $last })
if ($dumps.Count -gt $crashes.Count) { $crashes += @($dumps | Select-Object -Skip $crashes.Count | ForEach-Object { @{title = 'stop, ' + $_.Name; module = '' } }) }
$name = [Text.Encoding]::UTF8.GetBytes((Get-Content "$State\salt") + (Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Cryptography').MachineGuid)
$id = -join ([Security.Cryptography.SHA256]::Create().ComputeHash($name)[0..15] | ForEach-Object { $_.ToString('x2') })
@{labctl = 1; ring = $Ring; machine = $id; driver = (Get-Digest $Driver); content = (Get-Digest $Content); kernel = [Environment]::OSVersion.VersionString
  from = $from.ToString($form); to = $now.ToString($form); boots = $starts.Count; crashes = $crashes } | ConvertTo-Json -Compress -Depth 4
Set-Content "$State\last" $now.ToString('o')
