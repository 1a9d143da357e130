package alerts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"

	"nightshift/alerts"
)

func TestDecodeReadsWhatAlertmanagersOwnTypesWrite(t *testing.T) {
	m := message(2)
	m.TruncatedAlerts = 3
	m.Alerts[1].Status = "resolved"
	m.Alerts[1].EndsAt = t0
	want := alerts.Notification{
		Receiver: "nightshift", GroupKey: `{}:{job="node"}`, ReceivedAt: t0, Truncated: 3,
		Alerts: []alerts.Alert{asAlert(m.Alerts[0]), asAlert(m.Alerts[1])},
	}
	if diff := cmp.Diff(want, decode(t, body(t, m))); diff != "" {
		t.Errorf("Decode() differs (-want +got):\n%s", diff)
	}
}

// asAlert is what Decode must make of an alert of Alertmanager's.
func asAlert(a template.Alert) alerts.Alert {
	labels := model.LabelSet{}
	for name, value := range a.Labels {
		labels[model.LabelName(name)] = model.LabelValue(value)
	}
	return alerts.Alert{
		Status: alerts.Status(a.Status), Labels: a.Labels, Annotations: a.Annotations,
		StartsAt: a.StartsAt, EndsAt: a.EndsAt, GeneratorURL: a.GeneratorURL,
		Fingerprint: alerts.Fingerprint(labels.Fingerprint().String()),
	}
}

func TestAlertSaysWhatItIs(t *testing.T) {
	a := alerts.Alert{Status: alerts.Firing, Labels: map[string]string{"alertname": "Down"}}
	if !a.Firing() || a.Name() != "Down" {
		t.Errorf("Firing() = %t, Name() = %q, want true, Down", a.Firing(), a.Name())
	}
	a.Status = alerts.Resolved
	if a.Firing() {
		t.Error("a resolved alert says that it fires")
	}
}

// one is a notification of one alert with these fields.
func one(alert string) string { return `{"version":"4","alerts":[` + alert + `]}` }

func TestDecodeAccepts(t *testing.T) {
	const down = `{"status":"firing","labels":{"alertname":"Down"}}`
	for name, tc := range map[string]struct {
		body string
		want func(alerts.Notification) bool
	}{
		"no alerts":            {`{"version":"4"}`, func(n alerts.Notification) bool { return len(n.Alerts) == 0 }},
		"null for what it has": {`{"version":"4","alerts":null,"receiver":null}`, func(n alerts.Notification) bool { return n.Receiver == "" }},
		"unknown names":        {`{"version":"4","routeLabels":{"a":[1,{"b":null}]},"alerts":[]}`, func(n alerts.Notification) bool { return true }},
		"an alert without an alertname": {one(`{"status":"firing","labels":{"job":"node"}}`),
			func(n alerts.Notification) bool { return n.Alerts[0].Name() == "" }},
		"no times at all": {one(down), func(n alerts.Notification) bool { return n.Alerts[0].StartsAt.IsZero() }},
		"another zone, told as UTC": {one(`{"status":"firing","labels":{"a":"b"},"startsAt":"2026-03-01T14:00:00+02:00"}`),
			func(n alerts.Notification) bool {
				return n.Alerts[0].StartsAt.Equal(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
			}},
		"a fingerprint of any kind, which is not read": {one(`{"status":"firing","labels":{"a":"b"},"fingerprint":[1],"truncated":"yes"}`),
			func(n alerts.Notification) bool {
				return n.Alerts[0].Fingerprint == alerts.FingerprintOf(map[string]string{"a": "b"}) && !n.Alerts[0].Truncated
			}},
		"escapes": {one(`{"status":"\u0066iring","labels":{"a\"b":"x\ny\u00e9"}}`),
			func(n alerts.Notification) bool { return n.Alerts[0].Labels[`a"b`] == "x\nyé" }},
		"more alerts cut off than there can be": {`{"version":"4","truncatedAlerts":18446744073709551615}`,
			func(n alerts.Notification) bool { return n.Truncated == 1<<31-1 }},
		"space around it": {" \n" + `{"version":"4"}` + "\n", func(n alerts.Notification) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			if n := decode(t, []byte(tc.body)); !tc.want(n) {
				t.Errorf("Decode() = %+v", n)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"nothing":                {``, "cannot decode the notification: it is not one valid JSON value in UTF-8, at byte 0"},
		"half of it":             {`{"version":"4","alerts":[`, "it is not one valid JSON value in UTF-8, at byte 25"},
		"something after it":     {`{"version":"4"} {}`, "it is not one valid JSON value in UTF-8, at byte 16"},
		"a list":                 {`[]`, `"" has the wrong type or form, at byte 1`},
		"not UTF-8":              {"{\"version\":\"4\",\"receiver\":\"\xff\"}", "it is not one valid JSON value in UTF-8"},
		"half a character":       {`{"version":"4","receiver":"\ud800"}`, "it is not one valid JSON value in UTF-8"},
		"no version":             {`{"alerts":[]}`, `cannot accept the notification: "version" is missing, it must be "4"`},
		"another version":        {`{"version":"5"}`, `"version" is "5", it must be "4"`},
		"a version as a number":  {`{"version":4}`, `"/version" has the wrong type or form, at byte 12`},
		"a version in capitals":  {`{"Version":"4"}`, `"version" is missing`},
		"a name twice":           {`{"version":"4","version":"4"}`, `"/version" is there twice, at byte 15`},
		"a label twice":          {one(`{"status":"firing","labels":{"a":"b","\u0061":"c"}}`), `"/alerts/0/labels/a" is there twice`},
		"a name that we ignore":  {`{"version":"4","x":{"a":1,"a":2}}`, `"/x/a" is there twice`},
		"a status in capitals":   {one(`{"status":"Firing","labels":{"a":"b"}}`), `alerts[0]: "status" is "Firing", it must be "firing" or "resolved"`},
		"no status":              {one(`{"labels":{"a":"b"}}`), `alerts[0]: "status" is ""`},
		"no labels":              {one(`{"status":"firing","labels":{}}`), `alerts[0]: "labels" is empty`},
		"labels that are a list": {one(`{"status":"firing","labels":["a"]}`), `"/alerts/0/labels" has the wrong type or form`},
		"a label with a number":  {one(`{"status":"firing","labels":{"a":1}}`), `"/alerts/0/labels/a" has the wrong type or form`},
		"a time in words":        {one(`{"status":"firing","labels":{"a":"b"},"startsAt":"noon"}`), `"/alerts/0/startsAt" has the wrong type or form`},
		"a year 10000 in UTC":    {one(`{"status":"firing","labels":{"a":"b"},"endsAt":"9999-12-31T23:59:59-12:00"}`), `"/alerts/0/endsAt" has the wrong type or form`},
		"a year 0":               {one(`{"status":"firing","labels":{"a":"b"},"endsAt":"0000-12-31T00:00:00Z"}`), `"/alerts/0/endsAt" has the wrong type or form`},
		"minus one cut off":      {`{"version":"4","truncatedAlerts":-1}`, `"/truncatedAlerts" has the wrong type or form`},
		"half an alert cut off":  {`{"version":"4","truncatedAlerts":0.5}`, `"/truncatedAlerts" has the wrong type or form`},
		"a forged line":          {one(`{"status":"x\nlevel=error","labels":{"a":"b"}}`), `"status" is "x\nlevel=error"`},
		"nested without end":     {strings.Repeat("[", 8<<20), `"" has the wrong type or form`},
		"nested in what we skip": {`{"x":` + strings.Repeat("[", 8<<20), "it is not one valid JSON value in UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := alerts.Decode([]byte(tc.body), t0)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("Decode() error = %v, want %q in it", err, tc.want)
			}
			if len(err.Error()) > 300 || strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("the error is long or holds control characters: %q", err)
			}
		})
	}
}

func TestDecodeKeepsTheFirstThousandAlerts(t *testing.T) {
	m := message(alerts.MaxAlerts + 1)
	m.TruncatedAlerts = 5
	n := decode(t, body(t, m))
	if len(n.Alerts) != alerts.MaxAlerts || n.Truncated != 6 {
		t.Errorf("kept %d alerts and counted %d as cut off, want %d and 6", len(n.Alerts), n.Truncated, alerts.MaxAlerts)
	}
	if got := n.Alerts[alerts.MaxAlerts-1].Labels["instance"]; got != "web-999:9100" {
		t.Errorf("the last alert kept is of %q, want web-999:9100", got)
	}
}

// labelled is a notification of one alert with n labels l000, l001, … beside
// its alertname.
func labelled(t testing.TB, n int) alerts.Alert {
	t.Helper()
	m := message(1)
	m.Alerts[0].Labels = template.KV{"zone": "z"}
	for i := range n - 1 {
		m.Alerts[0].Labels[fmt.Sprintf("l%03d", i)] = "v"
	}
	return decode(t, body(t, m)).Alerts[0]
}

func TestAnAlertOf65LabelsIsTruncatedWithItsTrueFingerprint(t *testing.T) {
	for n, truncated := range map[int]bool{1: false, 64: false, 65: true} {
		a := labelled(t, n)
		if a.Truncated != truncated || len(a.Labels) != n {
			t.Errorf("of %d labels: truncated %t with %d labels, want %t with all", n, a.Truncated, len(a.Labels), truncated)
		}
		if a.Fingerprint != alerts.FingerprintOf(a.Labels) {
			t.Errorf("of %d labels: the fingerprint is not that of all labels", n)
		}
	}
}

func TestAMillionEmptyAlertsAreOnlyCounted(t *testing.T) {
	alert := `{"status":"firing","labels":{"a":"b"}}`
	list := strings.Repeat(alert+",", alerts.MaxAlerts) + strings.Repeat(`{},`, 1_000_000) + `{}`
	in := []byte(`{"version":"4","alerts":[` + list + `]}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := decode(t, in)
	runtime.ReadMemStats(&after)
	if n.Truncated != 1_000_001 {
		t.Errorf("%d alerts cut off, want 1000001", n.Truncated)
	}
	if allocated, limit := after.TotalAlloc-before.TotalAlloc, uint64(2*len(in)); allocated > limit {
		t.Errorf("decoding %d bytes took %d bytes of memory, want at most %d", len(in), allocated, limit)
	}
}

func TestFingerprintIsThatOfPrometheus(t *testing.T) {
	for _, labels := range []map[string]string{
		nil,
		{"a": "b"},
		{"a": "", "": "b"},
		{"b": "1", "a": "2", "é": "\x00"},
		labelled(t, 200).Labels,
	} {
		set := model.LabelSet{}
		for name, value := range labels {
			set[model.LabelName(name)] = model.LabelValue(value)
		}
		if got, want := string(alerts.FingerprintOf(labels)), set.Fingerprint().String(); got != want {
			t.Errorf("FingerprintOf(%v) = %s, want %s", labels, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(body(f, message(2)))
	for _, seed := range []string{
		`{"version":"4"}`,
		one(`{"status":"resolved","labels":{"a\"":"\u00e9"},"endsAt":"2026-03-01T14:00:00.5+02:00"}`),
		one(`{"status":"firing","labels":{"a":"b","a":"c"}}`),
		`{"version":"4","truncatedAlerts":7,"alerts":null}`,
		`{"version":"5","alerts":[[]]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		untouched := bytes.Clone(in)
		n, err := alerts.Decode(in, t0)
		if !bytes.Equal(in, untouched) {
			t.Fatal("Decode changed its input")
		}
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Fatalf("the error can forge a line: %q", err)
			}
			return
		}
		if !json.Valid(in) {
			t.Fatal("Decode accepted what is not JSON")
		}
		stored, err := alerts.EncodeBatch([]alerts.Notification{n})
		if err != nil {
			t.Fatalf("what was accepted can't be stored: %v", err)
		}
		// The handler relies on this when it bounds what it reads.
		if limit := len(in) + 256 + 128*len(n.Alerts); len(stored) > limit {
			t.Fatalf("%d bytes were stored as %d, want at most %d", len(in), len(stored), limit)
		}
		back, err := alerts.DecodeBatch(stored)
		if err != nil {
			t.Fatalf("what was stored can't be read: %v", err)
		}
		if diff := cmp.Diff([]alerts.Notification{bounded(n)}, back, sameWhenEmpty); diff != "" {
			t.Fatalf("stored and read back, it differs (-want +got):\n%s", diff)
		}
	})
}
