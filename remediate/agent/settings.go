// Package agent puts the parts together: it reads the settings, opens the journal,
// connects the engine with the world, listens, and stops in order. Only the
// command line and the tests import it.
package agent

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/kelseyhightower/envconfig"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/guard"
	"nightshift/remediate/inventory"
	"nightshift/remediate/journal"
	"nightshift/remediate/strict"
)

// Settings are the process's own, from the environment: NIGHTSHIFT_ and the name
// of each. What the agent looks after stands in the inventory; secrets stand in
// files.
type Settings struct {
	// Config is the path of the inventory, builtin:rave or builtin:rave-host.
	Config string `desc:"the inventory: a path, builtin:rave or builtin:rave-host"`
	// Mode is how far the whole agent may go: observe, approve or act.
	Mode remediate.Autonomy `default:"observe" desc:"how far the agent may go: observe, approve or act"`
	// StateDir holds the journal, the operator's key and the freeze file.
	StateDir string `split_words:"true" desc:"where the state lies (default: $STATE_DIRECTORY, else /var/lib/nightshift)"`
	// Listen is where webhooks and metrics are served.
	Listen string `default:"127.0.0.1:9797" desc:"where webhooks and metrics are served"`
	// WebConfig is a file of the exporter-toolkit: TLS, client certificates,
	// basic auth.
	WebConfig string `split_words:"true" desc:"a web configuration file (TLS, client certificates, basic auth)"`
	// WebhookTokenFile holds the bearer token that Alertmanager sends.
	WebhookTokenFile string `split_words:"true" desc:"a file with the bearer token that Alertmanager sends"`
	// NATSListen is where people connect.
	NATSListen      string `envconfig:"NATS_LISTEN" default:"127.0.0.1:9798" desc:"where people connect by NATS; empty for nowhere"`
	NATSLeaf        string `envconfig:"NATS_LEAF" desc:"your NATS cluster, which an account for it joins as a leaf node (nats://HOST:7422)"`
	NATSCredsFile   string `envconfig:"NATS_CREDS_FILE" desc:"credentials for that cluster"`
	NATSNKeyFile    string `envconfig:"NATS_NKEY_FILE" desc:"an nkey seed for that cluster"`
	NATSCAFile      string `envconfig:"NATS_CA_FILE" desc:"the authority of the NATS certificates: of the listener, and of the cluster"`
	NATSTLSCertFile string `envconfig:"NATS_TLS_CERT_FILE" desc:"the certificate of the NATS listener; required off loopback"`
	NATSTLSKeyFile  string `envconfig:"NATS_TLS_KEY_FILE" desc:"its key"`
	// PrometheusURL is asked by promql probes that name no server.
	PrometheusURL string `envconfig:"PROMETHEUS_URL" default:"http://localhost:9090" desc:"the Prometheus that promql probes ask"`
	// AlertmanagerURL lists the Alertmanagers that are told of escalations.
	AlertmanagerURL []string `envconfig:"ALERTMANAGER_URL" desc:"Alertmanagers, separated by commas"`
	// HTTPClientConfig is a file in Prometheus' http_config format.
	HTTPClientConfig string `envconfig:"HTTP_CLIENT_CONFIG" desc:"how Prometheus and Alertmanager are reached (an http_config file)"`
	LogLevel         string `split_words:"true" default:"info" desc:"debug, info, warn or error"`
	LogFormat        string `split_words:"true" default:"auto" desc:"auto, text or json"`

	// own are coded playbooks beside those of the program: see [Coded].
	own []remediate.Playbook
}

// prefix begins the name of every setting.
const prefix = "NIGHTSHIFT"

// defaultStateDir is where the state lies when neither the setting nor systemd
// (StateDirectory= in systemd.exec(5)) says so.
const defaultStateDir = "/var/lib/nightshift"

// LoadSettings reads the environment. A misspelt setting is an error; all errors
// come at once.
func LoadSettings() (Settings, error) {
	var s Settings
	errs := misspelt(os.Environ())
	if err := envconfig.Process(prefix, &s); err != nil {
		errs = append(errs, unreadable(err))
	}
	s.StateDir = cmp.Or(s.StateDir, firstPath(os.Getenv("STATE_DIRECTORY")), defaultStateDir)
	errs = append(errs, s.check()...)
	return s, errors.Join(errs...)
}

// firstPath is the first of systemd's colon-separated directories.
func firstPath(list string) string {
	first, _, _ := strings.Cut(list, ":")
	return first
}

// unreadable says which setting could not be read and what was expected.
func unreadable(err error) error {
	var parse *envconfig.ParseError
	if !errors.As(err, &parse) {
		return fmt.Errorf("cannot read the settings: %w", err)
	}
	return fmt.Errorf("cannot use %s: %w", parse.KeyName, parse.Err)
}

// check finds what is wrong with single settings.
func (s Settings) check() []error {
	var errs []error
	oneOf := func(name, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			errs = append(errs, fmt.Errorf("cannot use %s_%s=%q: expected one of %s", prefix, name, value, strings.Join(allowed, ", ")))
		}
	}
	if s.Mode == remediate.Unset { // it has no say: the playbooks alone would decide
		errs = append(errs, fmt.Errorf("cannot use %s_MODE=\"\": expected observe, approve or act", prefix))
	}
	oneOf("LOG_LEVEL", s.LogLevel, "debug", "info", "warn", "error")
	oneOf("LOG_FORMAT", s.LogFormat, "auto", "text", "json")
	if err := s.leaf().Check(); err != nil {
		errs = append(errs, err)
	}
	if !filepath.IsAbs(s.StateDir) {
		errs = append(errs, fmt.Errorf("cannot use %s_STATE_DIR=%q: expected an absolute path", prefix, s.StateDir))
	}
	return errs
}

// leaf is the NATS cluster that people's account joins.
func (s Settings) leaf() journal.Leaf {
	return journal.Leaf{URL: s.NATSLeaf, Creds: s.NATSCredsFile, NKey: s.NATSNKeyFile, CA: s.NATSCAFile}
}

// own are variables with our prefix that are no settings: the test build's.
var own = []string{"NIGHTSHIFT_FAILPOINT"}

// misspelt finds variables with our prefix that are no setting.
func misspelt(environ []string) []error {
	names := SettingNames()
	var errs []error
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix+"_") || slices.Contains(names, name) || slices.Contains(own, name) {
			continue
		}
		errs = append(errs, fmt.Errorf("cannot use %s: there is no such setting%s", name, strict.DidYouMean(name, names)))
	}
	return errs
}

// Setting is one variable, for `nightshift config` and the documentation.
type Setting struct {
	Name, Default, Means, Value string
}

// List is every setting with its value, in order.
func (s Settings) List() []Setting {
	var list []Setting
	t, v := reflect.TypeFor[Settings](), reflect.ValueOf(s)
	for n := range t.NumField() {
		f := t.Field(n)
		if !f.IsExported() {
			continue
		}
		value := fmt.Sprint(v.Field(n).Interface())
		if list, ok := v.Field(n).Interface().([]string); ok {
			value = strings.Join(list, ",")
		}
		list = append(list, Setting{settingName(f), f.Tag.Get("default"), f.Tag.Get("desc"), value})
	}
	return list
}

// SettingNames are the names of all settings.
func SettingNames() []string {
	var names []string
	for _, s := range (Settings{}).List() {
		names = append(names, s.Name)
	}
	return names
}

// settingName is the variable of a field, as envconfig has it.
func settingName(f reflect.StructField) string {
	if key := f.Tag.Get("envconfig"); key != "" {
		return prefix + "_" + key
	}
	var name strings.Builder
	for n, r := range f.Name {
		if n > 0 && r >= 'A' && r <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(r)
	}
	return prefix + "_" + strings.ToUpper(name.String())
}

// Inventory reads the inventory that the settings name.
func (s Settings) Inventory() (*inventory.File, error) {
	options := InventoryOptions()
	options.Playbooks = s.coded()
	return inventory.Load(s.Config, options)
}

// InventoryOptions are what the loader must know of this program.
func InventoryOptions() inventory.Options {
	return inventory.Options{Playbooks: playbooks.Names(), Denied: guard.Denied}
}

// FreezeFile is the file whose presence freezes the agent: its first line is
// shown as the reason.
func FreezeFile(s Settings) string { return filepath.Join(s.StateDir, "freeze") }

// siteFreezeFile freezes as well; configuration management may own it.
const siteFreezeFile = "/etc/nightshift/freeze"
