# Whether what is installed is what was delivered, and its files are the package's; what an administrator may change
# (c: configuration, g: made while it runs, d: documentation) does not count. Answers package=, "right" or what is wrong.
# Values: package.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

what='%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\n'
wanted=$(rpm -qp --qf "$what" "$package" 2>/dev/null)
installed=$(rpm -q --qf "$what" "${wanted%% *}" 2>&1)
if [ -n "$wanted" ] && [ "$installed" = "$wanted" ]; then
  changed=$(rpm -V --nodeps --noscripts "${wanted%% *}" 2>&1 | grep -E '^(missing|..5)' | grep -vE '^[^ ]+ +[cdg] ' | head -n 3 | tr '\n' ';')
  echo "package=${changed:-right}"
else
  echo "package=$installed, not $wanted"
fi
