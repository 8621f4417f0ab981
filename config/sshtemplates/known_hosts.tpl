{{- with .Step.SSH.HostKey -}}
@cert-authority * {{ .Type }} {{ .Marshal | toString | b64enc }}
{{- end }}
{{- range .Step.SSH.HostFederatedKeys }}
@cert-authority * {{ .Type }} {{ .Marshal | toString | b64enc }}
{{- end }}
