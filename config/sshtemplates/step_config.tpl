{{- $windows := eq (default "" .User.GOOS) "windows" -}}
Match exec "step ssh check-host{{ with .User.Context }} --context {{ . }}{{ end }} %h"
{{- with .User.User }}
	User {{ . }}
{{- end }}
	UserKnownHostsFile "{{ .User.StepPath }}{{ if $windows }}\ssh\known_hosts{{ else }}/ssh/known_hosts{{ end }}"
	ProxyCommand {{ if $windows }}C:\Windows\System32\cmd.exe /c {{ end }}step ssh proxycommand{{ with .User.Context }} --context {{ . }}{{ end }}{{ if .User.Console }} --console{{ end }}{{ with .User.Provisioner }} --provisioner {{ . }}{{ end }} %r %h %p
