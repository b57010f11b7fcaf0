// The templates that Tidemark brings along. Names are those that Alertmanager's users know, so that their own templates may
// call or replace them; the words and the looks are ours.
//
//   email.default.subject   [FIRING:2] LoadHigh (page)
//   email.default.text      one paragraph an alert
//   email.default.html      the same as a table, styled in place: mail programs know no style sheets

export const DEFAULT_TEMPLATES = `
{{ define "__alertmanager" }}Tidemark{{ end }}
{{ define "__alertmanagerURL" }}{{ .ExternalURL }}{{ end }}

{{ define "__subject" -}}
[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] {{ .GroupLabels.SortedPairs.Values | join " " }}
{{- if gt (len .CommonLabels) (len .GroupLabels) }} ({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join " " }}{{ end }}){{ end }}
{{- end }}

{{ define "email.default.subject" }}{{ template "__subject" . }}{{ end }}

{{ define "__text_alert" -}}
{{ .Labels.alertname }}{{ range (.Labels.Remove (stringSlice "alertname")).SortedPairs }} {{ .Name }}={{ .Value }}{{ end }}
{{ range .Annotations.SortedPairs }}  {{ .Name }}: {{ .Value }}
{{ end }}  since {{ .StartsAt.UTC.Format "2006-01-02 15:04:05 MST" }}{{ if eq .Status "resolved" }}, until {{ .EndsAt.UTC.Format "2006-01-02 15:04:05 MST" }}{{ end }}
{{ if .GeneratorURL }}  {{ .GeneratorURL }}
{{ end }}{{ end }}

{{ define "email.default.text" -}}
{{ if .Alerts.Firing }}FIRING ({{ .Alerts.Firing | len }})

{{ range .Alerts.Firing }}{{ template "__text_alert" . }}
{{ end }}{{ end }}{{ if .Alerts.Resolved }}RESOLVED ({{ .Alerts.Resolved | len }})

{{ range .Alerts.Resolved }}{{ template "__text_alert" . }}
{{ end }}{{ end }}-- 
Told by Tidemark to {{ .Receiver }}: {{ .ExternalURL }}
{{ end }}

{{ define "__html_alert" -}}
<tr><td style="padding:12px 16px;border-top:1px solid #e3e8ee;font:14px/1.5 Helvetica,Arial,sans-serif;color:#1d2733">
<strong>{{ .Labels.alertname }}</strong>{{ if .Annotations.summary }} &mdash; {{ .Annotations.summary }}{{ end }}<br>
{{ if .Annotations.description }}{{ .Annotations.description }}<br>{{ end }}
<span style="color:#5b6875">{{ range (.Labels.Remove (stringSlice "alertname")).SortedPairs }}{{ .Name }}=<b>{{ .Value }}</b> {{ end }}</span><br>
<span style="color:#5b6875">since {{ .StartsAt.UTC.Format "2006-01-02 15:04:05 MST" }}{{ if eq .Status "resolved" }}, until {{ .EndsAt.UTC.Format "2006-01-02 15:04:05 MST" }}{{ end }}</span>
{{ range (.Annotations.Remove (stringSlice "summary" "description" "runbook_url")).SortedPairs }}<br>{{ .Name }}: {{ .Value }}{{ end }}
{{ if .Annotations.runbook_url }}<br><a href="{{ .Annotations.runbook_url }}" style="color:#0b6bcb">What to do</a>{{ end }}
{{ if .GeneratorURL }}<br><a href="{{ .GeneratorURL }}" style="color:#0b6bcb">See the expression</a>{{ end }}
</td></tr>
{{ end }}

{{ define "email.default.html" -}}
<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{{ template "__subject" . }}</title></head>
<body style="margin:0;padding:24px;background:#f4f6f8">
<table role="presentation" cellspacing="0" cellpadding="0" style="max-width:640px;width:100%;margin:0 auto;background:#ffffff;border:1px solid #e3e8ee;border-radius:6px">
<tr><td style="padding:16px;font:600 16px/1.4 Helvetica,Arial,sans-serif;color:#ffffff;background:{{ if eq .Status "firing" }}#b42318{{ else }}#1a7f4b{{ end }};border-radius:6px 6px 0 0">
{{ if eq .Status "firing" }}{{ .Alerts.Firing | len }} firing{{ if .Alerts.Resolved }}, {{ .Alerts.Resolved | len }} resolved{{ end }}{{ else }}{{ .Alerts.Resolved | len }} resolved{{ end }}{{ range .GroupLabels.SortedPairs }} &middot; {{ .Name }}={{ .Value }}{{ end }}
</td></tr>
{{ range .Alerts.Firing }}{{ template "__html_alert" . }}{{ end }}
{{ if .Alerts.Resolved }}<tr><td style="padding:12px 16px;border-top:1px solid #e3e8ee;font:600 14px/1.4 Helvetica,Arial,sans-serif;color:#1a7f4b">Resolved</td></tr>
{{ range .Alerts.Resolved }}{{ template "__html_alert" . }}{{ end }}{{ end }}
<tr><td style="padding:12px 16px;border-top:1px solid #e3e8ee;font:12px/1.5 Helvetica,Arial,sans-serif;color:#5b6875">Told by <a href="{{ .ExternalURL }}" style="color:#0b6bcb">Tidemark</a> to {{ .Receiver }}.</td></tr>
</table>
</body></html>
{{ end }}
`;
