package alertmanager_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nightshift/alerts"
	"nightshift/alerts/alertmanager"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial is a client that is closed when the test ends.
func dial(t *testing.T, address string) *alertmanager.Client {
	t.Helper()
	c, err := alertmanager.New(address, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); http.DefaultClient.CloseIdleConnections() })
	return c
}

// answering is a server that always answers the same.
func answering(t *testing.T, code int, body string) *alertmanager.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://elsewhere.example/")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return dial(t, server.URL)
}

func TestAnAddressIsAURLWithoutAPassword(t *testing.T) {
	cases := map[string]string{
		"localhost:9093":             "expected a URL like http://localhost:9093",
		"ftp://localhost":            "expected a URL like http://localhost:9093",
		"http://":                    "expected a URL like http://localhost:9093",
		"http://a b/":                "write it like http://localhost:9093",
		"http://me:secret@localhost": "put basic_auth into the http_config file",
	}
	for address, want := range cases {
		_, err := alertmanager.New(address, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%q) = %v, want it to say %q", address, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("New(%q) shows the password: %v", address, err)
		}
	}
}

func TestAnErrorNamesTheAlertmanagerAndSaysWhatToDo(t *testing.T) {
	cases := []struct {
		name, body string
		code       int
		want       string
	}{
		{"no credentials", "", 401, "credentials by NIGHTSHIFT_HTTP_CLIENT_CONFIG"},
		{"another path", "404 page not found", 404, "path prefix"},
		{"a redirect", "", 302, "name the URL that it redirects to"},
		{"refused", "bad\nalert", 400, `it answers 400 "bad\nalert"; see its log`},
		{"broken", "", 503, "see its log, or that of the proxy"},
		{"no list", `{"status":"success"}`, 200, "is it an Alertmanager"},
		{"a page", "<html>", 200, "is it an Alertmanager"},
		{"another shape", `[{"labels":[]}]`, 200, "is it an Alertmanager"},
		{"cut off", `[{"labels":{"a":"b"}`, 200, "is it an Alertmanager"},
		{"too large", "[" + strings.Repeat(" ", 17<<20), 200, "larger than 16 MiB"},
		{"too many", "[" + strings.Repeat("{},", alertmanager.MaxKnown) + "{}]", 200, "more than 10,000"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			client := answering(t, c.code, c.body)
			_, err := client.Alerts(t.Context(), alerts.Matching(`a="b"`))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), client.Name()) {
				t.Errorf("Alerts() = %v, want it to name %s and say %q", err, client.Name(), c.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has more than one line: %q", err)
			}
		})
	}
}

func TestAnAlertmanagerThatIsDownOrHangsIsAnError(t *testing.T) {
	client := dial(t, "http://127.0.0.1:1/prefix")
	err := client.Post(t.Context(), []alertmanager.Alert{{Labels: map[string]string{"a": "b"}}})
	want := "cannot post alerts to Alertmanager http://127.0.0.1:1/prefix: dial tcp"
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "NIGHTSHIFT_ALERTMANAGER_URL") {
		t.Errorf("Post() = %v, want it to begin with %q and name the setting", err, want)
	}

	never := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-never:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(never)
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := dial(t, server.URL).Silences(short); err == nil || !strings.Contains(err.Error(), "no answer within") {
		t.Errorf("Silences() = %v, want that there was no answer in time", err)
	}
}

func TestNothingIsAskedOrMutedWithoutAMatcher(t *testing.T) {
	client := dial(t, "http://127.0.0.1:1")
	if _, err := client.Alerts(t.Context(), alerts.Matchers{}); err == nil || !strings.Contains(err.Error(), "without a matcher") {
		t.Errorf("Alerts() = %v, want it refused", err)
	}
	if _, err := client.Silence(t.Context(), alertmanager.Silence{By: "us"}); err == nil || !strings.Contains(err.Error(), "mute everything") {
		t.Errorf("Silence() = %v, want it refused", err)
	}
	if err := client.Expire(t.Context(), "../alerts"); err == nil || !strings.Contains(err.Error(), "no ID") {
		t.Errorf("Expire() = %v, want it refused", err)
	}
	if err := client.Post(t.Context(), nil); err != nil {
		t.Errorf("Post(nothing) = %v, want nothing asked", err)
	}
}

func TestASilenceSelectsWhatItsMatchersSay(t *testing.T) {
	cases := []struct {
		name     string
		matchers []alertmanager.Matcher
		labels   map[string]string
		want     bool
	}{
		{"equal", []alertmanager.Matcher{{Name: "a", Value: "b"}}, map[string]string{"a": "b", "c": "d"}, true},
		{"another", []alertmanager.Matcher{{Name: "a", Value: "b"}}, map[string]string{"a": "bc"}, false},
		{"a whole expression", []alertmanager.Matcher{{Name: "a", Value: "b|c", Regex: true}}, map[string]string{"a": "c"}, true},
		{"a part of one", []alertmanager.Matcher{{Name: "a", Value: "b", Regex: true}}, map[string]string{"a": "abc"}, false},
		{"not equal", []alertmanager.Matcher{{Name: "a", Value: "b", Not: true}}, map[string]string{}, true},
		{"not like", []alertmanager.Matcher{{Name: "a", Value: "b.*", Regex: true, Not: true}}, map[string]string{"a": "bc"}, false},
		{"all of them", []alertmanager.Matcher{{Name: "a", Value: "b"}, {Name: "c", Value: "d"}}, map[string]string{"a": "b"}, false},
		{"quotes and lines", []alertmanager.Matcher{{Name: "a", Value: "\"\\\n"}}, map[string]string{"a": "\"\\\n"}, true},
		{"none", nil, map[string]string{"a": "b"}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			selector, err := alertmanager.Selector(c.matchers)
			if err != nil {
				t.Fatal(err)
			}
			if got := selector.Matches(c.labels); got != c.want {
				t.Errorf("it selects %v: %t, want %t", c.labels, got, c.want)
			}
		})
	}
	if _, err := alertmanager.Selector([]alertmanager.Matcher{{Name: "a", Value: "(", Regex: true}}); err == nil {
		t.Error("an expression that is wrong is accepted")
	}
}

// canceled is a context that is over.
func canceled() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("over"))
	return ctx
}

func TestAQuestionIsTakenBackWithItsContext(t *testing.T) {
	if _, err := answering(t, 200, "[]").Silences(canceled()); err == nil {
		t.Error("a question was asked though its context is over")
	}
}
