# A minifilter leaves the Filter Manager, or comes back to it with all its instances. Values: step (unload, load), service.

fltmc.exe $step $service
if ($LASTEXITCODE -ne 0) { exit 1 }
