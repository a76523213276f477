# What this system is: for people, and for a page that says on which build something was proved.
# Answers build= edition= language= root= mini_nt= safe_boot= setup=.

$now = Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
$now | Format-List -Property @('ProductName', 'EditionID', 'DisplayVersion', 'CurrentBuild', 'UBR', 'InstallationType') | Out-String
'build=' + $now.CurrentBuild + '.' + $now.UBR
'edition=' + $now.EditionID
'language=' + (Get-UICulture).Name
'root=' + $env:SystemRoot
$there = 'no'
if (Test-Path 'HKLM:\SYSTEM\CurrentControlSet\Control\MiniNT') { $there = 'yes' }
'mini_nt=' + $there
$there = 'no'
if (Test-Path 'HKLM:\SYSTEM\CurrentControlSet\Control\SafeBoot\Option') { $there = 'yes' }
'safe_boot=' + $there
'setup=' + (Get-ItemProperty 'HKLM:\SYSTEM\Setup').SystemSetupInProgress
