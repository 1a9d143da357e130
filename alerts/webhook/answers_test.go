package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"nightshift/alerts"
	"nightshift/alerts/webhook"
)

// reading makes a request of another body, of unknown length.
func reading(r *http.Request, body *bytes.Reader) *http.Request {
	changed := httptest.NewRequest(http.MethodPost, webhook.Path, iotest.DataErrReader(body))
	changed.Header = r.Header
	return changed
}

func TestEachAnswer(t *testing.T) {
	header := func(name string, values ...string) *http.Request {
		r := post(notification())
		r.Header[name] = values
		return r
	}
	good := notification(alert("us", "Down"))
	for name, tc := range map[string]struct {
		request *http.Request
		code    int
		text    string
	}{
		"an alert of ours":             {post(good), 200, "stored"},
		"an alert of another host":     {post(notification(alert("them", "Down"))), 200, "nothing for this host"},
		"no alerts":                    {post(notification()), 200, "nothing for this host"},
		"JSON with a charset":          {header("Content-Type", "Application/JSON; charset=utf-8"), 200, "nothing for this host"},
		"the encoding identity":        {header("Content-Encoding", "identity"), 200, "nothing for this host"},
		"a GET":                        {httptest.NewRequest(http.MethodGet, webhook.Path, nil), 405, "only POST is allowed"},
		"another path":                 {httptest.NewRequest(http.MethodPost, webhook.Path+"/x", nil), 404, "post to /webhook/alertmanager"},
		"no token":                     {header("Authorization"), 401, "a valid bearer token is required"},
		"a wrong token":                {header("Authorization", "Bearer wrong"), 401, "a valid bearer token is required"},
		"two tokens":                   {header("Authorization", "Bearer "+token, "Bearer "+token), 401, "a valid bearer token is required"},
		"the token with another word":  {header("Authorization", "Basic "+token), 401, "a valid bearer token is required"},
		"the token alone":              {header("Authorization", token), 401, "a valid bearer token is required"},
		"bearer in lower case":         {header("Authorization", "bearer "+token), 200, "nothing for this host"},
		"a compressed body":            {header("Content-Encoding", "gzip"), 415, "no Content-Encoding but identity is supported"},
		"a twice encoded body":         {header("Content-Encoding", "identity", "gzip"), 415, "no Content-Encoding but identity is supported"},
		"a form":                       {header("Content-Type", "application/x-www-form-urlencoded"), 415, "the Content-Type must be application/json"},
		"no Content-Type":              {header("Content-Type"), 415, "the Content-Type must be application/json"},
		"a body that says it is large": {post(strings.Repeat(" ", webhook.MaxBody+1)), 413, "the body is larger than 8 MiB: set max_alerts"},
		"a body that proves large": {reading(post(""), bytes.NewReader(make([]byte, webhook.MaxBody+1))),
			413, "the body is larger than 8 MiB: set max_alerts"},
		"a body of the longest kind": {reading(post(""), bytes.NewReader([]byte(good+strings.Repeat(" ", webhook.MaxBody-len(good))))),
			200, "stored"},
		"more than can be stored": {post(filling(webhook.MaxBody)), 413, "the alerts are too large to be stored: set max_alerts"},
		"not JSON":                {post("alerts!"), 400, "cannot decode the notification: it is not one valid JSON value in UTF-8, at byte 0"},
		"a name twice":            {post(`{"version":"4","version":"4"}`), 400, `cannot decode the notification: "/version" is there twice, at byte 15`},
		"another version":         {post(`{"version":"3"}`), 400, `cannot accept the notification: "version" is "3", it must be "4"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			w := s.serve(tc.request)
			if got := w.Body.String(); w.Code != tc.code || got != tc.text+"\n" {
				t.Errorf("answer %d %q, want %d %q", w.Code, got, tc.code, tc.text)
			}
			if got := s.count(t, "nightshift_webhooks_total", fmt.Sprint(tc.code)); got != 1 {
				t.Errorf("nightshift_webhooks_total{code=%q} = %g, want 1", fmt.Sprint(tc.code), got)
			}
			if logged := len(s.entries(t)) == 1; logged != (tc.code != 200) {
				t.Errorf("logged: %t", logged)
			}
		})
	}
}

// filling is a notification of size bytes, nearly all of them values that are
// stored whole.
func filling(size int) string {
	labels := `"host":"us"`
	for i := range 5 {
		labels += fmt.Sprintf(`,"l%d":"%s"`, i, strings.Repeat("x", alerts.MaxValue))
	}
	one := `{"status":"firing","labels":{` + labels + `}}`
	all := make([]string, (size-len(notification()))/(len(one)+1))
	for i := range all {
		all[i] = one
	}
	full := notification(all...)
	return full + strings.Repeat(" ", size-len(full))
}

func TestHeadersOfAnswers(t *testing.T) {
	s := newSite(t)
	for name, tc := range map[string]struct {
		request       *http.Request
		header, value string
	}{
		"405 names the method":             {httptest.NewRequest(http.MethodPut, webhook.Path, nil), "Allow", "POST"},
		"401 names the scheme":             {httptest.NewRequest(http.MethodPost, webhook.Path, nil), "WWW-Authenticate", `Bearer realm="nightshift"`},
		"what is not read is not waited":   {httptest.NewRequest(http.MethodPut, webhook.Path, strings.NewReader("x")), "Connection", "close"},
		"an answer is plain text":          {post(notification()), "Content-Type", "text/plain; charset=utf-8"},
		"and nothing else":                 {post(notification()), "X-Content-Type-Options", "nosniff"},
		"a good sender's connection stays": {post(notification()), "Connection", ""},
	} {
		if got := s.serve(tc.request).Header().Get(tc.header); got != tc.value {
			t.Errorf("%s: %s is %q, want %q", name, tc.header, got, tc.value)
		}
	}
}

func TestWhatTheStoreSaysBecomes503(t *testing.T) {
	for want, fault := range map[string]error{
		"cannot store the alerts":               errors.New("disk full of secrets"),
		"too many alerts wait to be dealt with": fmt.Errorf("stream: %w", webhook.ErrOverloaded),
	} {
		s := newSite(t)
		s.store.gate = make(chan error, 1)
		s.store.gate <- fault
		w := s.serve(post(notification(alert("us", "Down"))))
		if got := w.Body.String(); w.Code != 503 || got != want+"\n" {
			t.Errorf("%v: answer %d %q, want 503 %q", fault, w.Code, got, want)
		}
		if got := s.count(t, "nightshift_alerts_total", "accepted"); got != 0 {
			t.Errorf("%v: %g alerts are counted as accepted", fault, got)
		}
	}
}

func TestAnAlertCannotForgeALineOfTheAnswerOrTheLog(t *testing.T) {
	s := newSite(t)
	evil := "x\nlevel=ERROR msg=forged\x1b[2J"
	body := fmt.Sprintf(`{"version":"4","alerts":[{"status":%q,"labels":{"a":"b"}}]}`, "S")
	body = strings.Replace(body, `"S"`, `"x\nlevel=ERROR msg=forged\u001b[2J"`, 1)
	w := s.serve(post(body))
	if got := strings.TrimSuffix(w.Body.String(), "\n"); w.Code != 400 || strings.ContainsAny(got, "\n\x1b") {
		t.Errorf("answer %d %q", w.Code, got)
	}
	if got := s.log.String(); strings.Count(got, "\n") != 1 || strings.Contains(got, evil) {
		t.Errorf("the log is %q", got)
	}
}

func TestARepeatedRefusalIsLoggedOnceAMinute(t *testing.T) {
	now := t0
	s := newSite(t, func(o *webhook.Options) { o.Now = func() time.Time { return now } })
	for range 3 {
		s.serve(post("x"))
	}
	now = now.Add(time.Minute)
	s.serve(post("x"))
	entries := s.entries(t)
	if len(entries) != 2 || entries[1]["not_logged"] != 2.0 {
		t.Errorf("logged %v, want two entries, the second with not_logged=2", entries)
	}
}

func TestAlertsAreCountedByWhatBecameOfThem(t *testing.T) {
	s := newSite(t)
	body := notification(alert("us", "A"), alert("them", "B"), alert("us", "C"))
	s.serve(post(strings.Replace(body, `{`, `{"truncatedAlerts":7,`, 1)))
	for result, want := range map[string]float64{"accepted": 2, "not_mine": 1, "truncated": 7, "joined": 0} {
		if got := s.count(t, "nightshift_alerts_total", result); got != want {
			t.Errorf("nightshift_alerts_total{result=%q} = %g, want %g", result, got, want)
		}
	}
	if got := s.store.stored(); len(got) != 1 || got[0] != "A C" {
		t.Errorf("stored %q, want the alerts A and C", got)
	}
}

func TestATimeOfReceiptIsStored(t *testing.T) {
	s := newSite(t)
	s.serve(post(notification(alert("us", "A"))))
	if got := s.store.batches[0][0]; !got.ReceivedAt.Equal(t0) || got.Receiver != "nightshift" {
		t.Errorf("stored %+v, want it received at %v", got, t0)
	}
}

func TestHooksStandAtTheDurableBoundaries(t *testing.T) {
	var order []string
	note := func(what string) func() { return func() { order = append(order, what) } }
	s := newSite(t, func(o *webhook.Options) {
		o.Hooks = webhook.Hooks{
			BeforeStore: note("store?"), AfterStore: note("stored"),
			BeforeAnswer: note("answer?"), AfterAnswer: note("answered"),
		}
	})
	s.serve(post(notification()))
	s.serve(post("x"))
	if len(order) != 0 {
		t.Errorf("hooks %q were called for nothing stored", order)
	}
	w := s.serve(post(notification(alert("us", "A"))))
	if got := strings.Join(order, " "); got != "store? stored answer? answered" || !w.Flushed {
		t.Errorf("hooks %q, flushed %t", got, w.Flushed)
	}
}

func TestOptionsThatAreRequired(t *testing.T) {
	if _, err := webhook.New(webhook.Options{}); err == nil {
		t.Error("a handler without a store is made")
	}
	h, err := webhook.New(webhook.Options{Store: &memory{}, Mine: func(alerts.Alert) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, post(notification(alert("us", "A"))))
	if w.Code != 200 {
		t.Errorf("with defaults only: answer %d, want 200", w.Code)
	}
	if err := h.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// row is a line of a table in the documentation: | code | text | … |
var row = regexp.MustCompile("(?m)^\\| ([0-9]{3}) \\| (?:`([^`]+)`)?")

func TestTheDocumentationHasEachAnswerAndNoOther(t *testing.T) {
	text, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(section(t, string(text), "## Answers of the webhook"), -1) {
		documented[m[2]] = m[1]
	}
	for text, code := range webhook.Answers() {
		if documented[text] != fmt.Sprint(code) {
			t.Errorf("docs/http.md lacks the row | %d | `%s` |", code, text)
		}
		delete(documented, text)
	}
	delete(documented, "cannot decode the notification: …")
	delete(documented, "cannot accept the notification: …")
	for text, code := range documented {
		t.Errorf("docs/http.md has the row | %s | `%s` | for no answer", code, text)
	}
}

// section is the part of a page below a heading.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	_, below, found := strings.Cut(page, heading+"\n")
	if !found {
		t.Fatalf("docs/http.md has no heading %q", heading)
	}
	part, _, _ := strings.Cut(below, "\n## ")
	return part
}
