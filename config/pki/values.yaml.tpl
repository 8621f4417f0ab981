# Values for the Helm chart step-certificates. Fill in the two passwords below,
# each encoded in base64.
inject:
  enabled: true
  config:
    files:
      ca.json:
        root: {{ .Paths.Root }}
        federatedRoots: []
        crt: {{ .Paths.Crt }}
        key: {{ .Paths.Key }}
{{- if .SSHHostPub }}
        ssh:
          hostKey: {{ .Paths.SSHHost }}
          userKey: {{ .Paths.SSHUser }}
{{- end }}
        address: {{ quote .Config.Address }}
        dnsNames:
{{- range .Config.DNSNames }}
          - {{ quote . }}
{{- end }}
        logger:
          format: json
{{- if .Config.DB }}
        db:
          type: {{ .Engine }}
          dataSource: {{ .Paths.Database }}
{{- end }}
        authority:
          enableAdmin: {{ .Config.Authority.EnableAdmin }}
          provisioners:
{{- range .Provisioners }}
            - {{ . }}
{{- end }}
        tls:
          cipherSuites:
{{- range .Config.TLS.CipherSuites }}
            - {{ . }}
{{- end }}
          minVersion: {{ .Config.TLS.MinVersion }}
          maxVersion: {{ .Config.TLS.MaxVersion }}
          renegotiation: {{ .Config.TLS.Renegotiation }}
      defaults.json:
        ca-url: {{ quote .CAURL }}
        ca-config: {{ .Paths.Config }}
        fingerprint: {{ quote .Fingerprint }}
        root: {{ .Paths.Root }}
  certificates:
    intermediate_ca: |
{{ indent 6 .Intermediate }}
    root_ca: |
{{ indent 6 .Root }}
{{- if .SSHHostPub }}
    ssh_host_ca: {{ quote .SSHHostPub }}
    ssh_user_ca: {{ quote .SSHUserPub }}
{{- end }}
  secrets:
    # Password of the keys below.
    ca_password:
    # Password of the key of the first provisioner.
    provisioner_password:
    x509:
      intermediate_ca_key: |
{{ indent 8 .IntermediateKey }}
{{- if .RootKey }}
      root_ca_key: |
{{ indent 8 .RootKey }}
{{- end }}
{{- if .SSHHostKey }}
    ssh:
      host_ca_key: |
{{ indent 8 .SSHHostKey }}
      user_ca_key: |
{{ indent 8 .SSHUserKey }}
{{- end }}
