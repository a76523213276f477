# Behind loaded.ps1. Of a driver that does not run, what the system has written down of it in this boot, by numbers and files,
# because the words are localised: events 7000, 7026 (services), 219 (Plug and Play), those of Code Integrity with the
# signer that it saw (3089), and the lines of the setup log that tell of errors. Answers why=, in parts divided by semicolons; nothing where nothing is written down.

if ($state -ne 'live' -and $state -ne 'pending') {
  $why = @()
  $wide = [BitConverter]::ToString([Text.Encoding]::Unicode.GetBytes($service)).Replace('-', '')
  $times = ' and System[TimeCreated[@SystemTime >= ''' + $boot + ''']]]'
  $queries = @(
    @('System', '*[System[(Provider[@Name=''Service Control Manager''] and (EventID=7000 or EventID=7026)) or (Provider[@Name=''Microsoft-Windows-Kernel-PnP''] and EventID=219)]'),
    @('Microsoft-Windows-CodeIntegrity/Operational', '*[System[EventID=3004 or EventID=3033 or EventID=3076 or EventID=3077]')
  )
  foreach ($one in $queries) {
    foreach ($line in @(wevtutil.exe qe $one[0] ('/q:' + $one[1] + $times) /f:xml /rd:true /c:50)) {
      try { $event = ([xml]$line).Event } catch { continue }
      $text = @($event.EventData.ChildNodes | ForEach-Object { $_.InnerText }) -join ' '
      if ($text -notmatch ('\b' + [regex]::Escape($service) + '\b') -and -not $text.Contains($wide)) { continue }
      $part = $event.SelectSingleNode('*[local-name()=''System'']/*[local-name()=''EventID'']').InnerText
      if ($text -match '%%[0-9]+') { $part += ' ' + $Matches[0] }
      $status = $event.SelectSingleNode('*[local-name()=''EventData'']/*[@Name=''Status'']')
      if ($status -and $status.InnerText -match '^[0-9]+$') { $part += ' 0x{0:X8}' -f [uint32]$status.InnerText }
      if ($why -notcontains $part) { $why += $part }
      $activity = $event.SelectSingleNode('*[local-name()=''System'']/*[local-name()=''Correlation'']/@ActivityID')
      if (-not $activity) { continue }
      $signed = '*[System[EventID=3089 and Correlation[@ActivityID=''' + $activity.Value + ''']]]'
      foreach ($line in @(wevtutil.exe qe $one[0] ('/q:' + $signed) /f:xml /c:4)) {
        try { $publisher = ([xml]$line).Event.SelectSingleNode('*[local-name()=''EventData'']/*[@Name=''PublisherName'']') } catch { continue }
        if (-not $publisher) { continue }
        $part = '3089 ' + $publisher.InnerText.Replace(';', ',')
        if ($why -notcontains $part) { $why += $part }
      }
    }
  }
  if ($kind -eq 'inf') {
    $lines = @(Get-Content -Tail 500 -ErrorAction SilentlyContinue C:\Windows\INF\setupapi.dev.log | Where-Object { $_ -like '!!!*' })
    foreach ($line in @($lines | Select-Object -Last 2)) { $why += 'setupapi ' + $line.Substring(3).Replace(';', ',').Trim() }
  }
  if ($why.Count -gt 0) { 'why=' + (@($why | Select-Object -First 6) -join '; ') }
}
