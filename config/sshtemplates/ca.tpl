{{- with .Step.SSH.UserKey -}}
{{ .Type }} {{ .Marshal | toString | b64enc }}
{{- end }}
{{- range .Step.SSH.UserFederatedKeys }}
{{ .Type }} {{ .Marshal | toString | b64enc }}
{{- end }}
