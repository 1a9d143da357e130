package agent

import (
	"os"
	"strings"
	"testing"

	"nightshift/remediate"
)

// environ is a process environment with nothing of ours but what the test says.
func environ(t *testing.T, set map[string]string) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, prefix+"_") {
			t.Setenv(name, "") // so that it is put back
			os.Unsetenv(name)
		}
	}
	for name, value := range set {
		t.Setenv(name, value)
	}
}

func TestTheDefaultOnlyObserves(t *testing.T) {
	environ(t, nil)
	t.Setenv("STATE_DIRECTORY", "/run/a:/run/b")
	s, err := LoadSettings()
	if err != nil {
		t.Fatal(err)
	}
	if s.Mode != remediate.WatchOnly || s.StateDir != "/run/a" || s.Listen != "127.0.0.1:9797" || s.NATSListen != "127.0.0.1:9798" {
		t.Errorf("defaults are %+v", s)
	}
}

func TestAllErrorsOfTheEnvironmentComeAtOnce(t *testing.T) {
	environ(t, map[string]string{
		"NIGHTSHIFT_LOG_LEVEL":  "loud",
		"NIGHTSHIFT_LOGFORMAT":  "json",
		"NIGHTSHIFT_STATE_DIR":  "state",
		"NIGHTSHIFT_NATS_LEAF":  "nats://hub",
		"NIGHTSHIFT_CONFIG":     "builtin:rave",
		"NIGHTSHIFT_FAILPOINT":  "",
		"NIGHTSHIFT_SOMETHINGS": "1",
	})
	_, err := LoadSettings()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`cannot use NIGHTSHIFT_LOG_LEVEL="loud": expected one of debug, info, warn, error`,
		`cannot use NIGHTSHIFT_LOGFORMAT: there is no such setting; did you mean "NIGHTSHIFT_LOG_FORMAT"?`,
		`cannot use NIGHTSHIFT_STATE_DIR="state": expected an absolute path`,
		`cannot use NIGHTSHIFT_NATS_LEAF: expected nats://HOST:PORT or tls://HOST:PORT`,
		`cannot use NIGHTSHIFT_SOMETHINGS: there is no such setting`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestAModeThatIsNoneIsRefusedByName(t *testing.T) {
	environ(t, map[string]string{"NIGHTSHIFT_MODE": "always"})
	_, err := LoadSettings()
	if err == nil || !strings.Contains(err.Error(), "NIGHTSHIFT_MODE") || !strings.Contains(err.Error(), "observe, approve or act") {
		t.Errorf("error is %v, want it to name the setting and what is expected", err)
	}
}

func TestAnEmptyModeIsNotNoCeiling(t *testing.T) {
	environ(t, map[string]string{"NIGHTSHIFT_MODE": ""})
	_, err := LoadSettings()
	if err == nil || !strings.Contains(err.Error(), `cannot use NIGHTSHIFT_MODE="": expected observe, approve or act`) {
		t.Errorf("error is %v; an empty mode would leave it to the playbooks to act", err)
	}
}

func TestOffLoopbackItRefusesToBeOpen(t *testing.T) {
	for name, c := range map[string]struct {
		listen, web, token string
		refused            bool
	}{
		"loopback":          {listen: "127.0.0.1:9797"},
		"localhost":         {listen: "localhost:9797"},
		"v6 loopback":       {listen: "[::1]:9797"},
		"all addresses":     {listen: ":9797", refused: true},
		"an address":        {listen: "192.0.2.1:9797", refused: true},
		"with a token":      {listen: "192.0.2.1:9797", token: "/token"},
		"TLS alone":         {listen: ":9797", web: "tls_server_config: {cert_file: a, key_file: b}", refused: true},
		"no users any more": {listen: ":9797", web: "basic_auth_users: {}", refused: true},
		"users":             {listen: ":9797", web: "basic_auth_users: {am: hash}"},
		"client certs":      {listen: ":9797", web: "tls_server_config: {client_auth_type: RequireAndVerifyClientCert}"},
		"wanted certs only": {listen: ":9797", web: "tls_server_config: {client_auth_type: RequestClientCert}", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := Settings{Listen: c.listen, WebhookTokenFile: c.token}
			if c.web != "" {
				s.WebConfig = t.TempDir() + "/web.yml"
				if err := os.WriteFile(s.WebConfig, []byte(c.web), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := checkExposure(s); (err != nil) != c.refused {
				t.Errorf("error is %v, want refused %v", err, c.refused)
			}
		})
	}
}
