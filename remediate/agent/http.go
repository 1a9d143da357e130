package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v4"

	"nightshift/alerts/webhook"
)

// routes are all that is answered over HTTP.
func (a *Agent) routes(hook http.Handler, registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(webhook.Path, hook)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry, EnableOpenMetrics: true}))
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "healthy") })
	mux.HandleFunc("GET /-/ready", a.serveReady)
	return mux
}

// serveReady answers 503 only when a webhook can't be stored. What else the agent
// can't do now stands in the body.
func (a *Agent) serveReady(w http.ResponseWriter, r *http.Request) {
	ready := struct {
		Ready    bool              `json:"ready"`
		Degraded map[string]string `json:"degraded,omitempty"`
	}{Ready: true, Degraded: a.degraded(r.Context())}
	if err := a.journal.Ready(r.Context()); err != nil {
		ready.Ready = false
	}
	w.Header().Set("Content-Type", "application/json")
	if !ready.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(ready) // who asked may be gone
}

// serve answers on the listener until it is closed. TLS, client certificates and
// basic auth are the exporter-toolkit's.
func serve(l net.Listener, server *http.Server, webConfig string, a *Agent) error {
	systemdSocket := false
	addresses := []string{l.Addr().String()}
	err := web.Serve(l, server, &web.FlagConfig{
		WebListenAddresses: &addresses, WebSystemdSocket: &systemdSocket, WebConfigFile: &webConfig,
	}, a.log)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// checkExposure refuses to be open to a network: off loopback somebody must say
// who they are, by a token, a client certificate or a password.
func checkExposure(s Settings) error {
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return fmt.Errorf("cannot use NIGHTSHIFT_LISTEN=%q: expected HOST:PORT", s.Listen)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	if s.WebhookTokenFile != "" {
		return nil
	}
	authenticates, err := webAuthenticates(s.WebConfig)
	if err != nil || authenticates {
		return err
	}
	return fmt.Errorf("cannot listen on %s without authentication: set NIGHTSHIFT_WEBHOOK_TOKEN_FILE, or NIGHTSHIFT_WEB_CONFIG with client certificates or basic_auth_users; or listen on 127.0.0.1", s.Listen)
}

// webAuthenticates reports whether a web configuration lets in only who can show
// who they are.
func webAuthenticates(path string) (bool, error) {
	if path == "" {
		return false, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("cannot read NIGHTSHIFT_WEB_CONFIG: %w", err)
	}
	var config struct {
		TLS struct {
			ClientAuth string `yaml:"client_auth_type"`
		} `yaml:"tls_server_config"`
		Users map[string]string `yaml:"basic_auth_users"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return false, fmt.Errorf("cannot read NIGHTSHIFT_WEB_CONFIG %s: %w", path, err)
	}
	return len(config.Users) > 0 || config.TLS.ClientAuth == "RequireAndVerifyClientCert", nil
}
