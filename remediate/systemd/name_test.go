package systemd

import (
	"strings"
	"testing"

	"nightshift/remediate"
)

func TestNamesOfUnits(t *testing.T) {
	for name, good := range map[string]bool{
		"nginx.service":                         true,
		"nightshift-limit@safe:grafana.service": true,
		`dev-disk-by\x2dlabel-root.device`:      true,
		"rave.slice":                            true,
		"":                                      false,
		"nginx":                                 false,
		".service":                              false,
		"nginx.exe":                             false,
		"*.service":                             false,
		"ngin?.service":                         false,
		"[a-z]nginx.service":                    false,
		"nginx.service grafana.service":         false,
		"nginx.service;reboot.target":           false,
		"../nginx.service":                      false,
		"nginx.service\n":                       false,
		"nginx@.service":                        false,
		"näginx.service":                        false,
		strings.Repeat("a", 255-8) + ".service": true,
		strings.Repeat("a", 255-8+1) + ".service": false,
		"--host=evil":           false,
		"nginx.service.service": true,
		"a\x00b.service":        false,
		string([]byte{0xff, 0xfe}) + "nginx.service": false,
	} {
		if err := checkName(name); (err == nil) != good {
			t.Errorf("checkName(%q) = %v, expected good to be %v", name, err, good)
		}
	}
}

func TestOnlyUnitsAreUnits(t *testing.T) {
	for _, target := range []remediate.Target{{}, remediate.Host("rave-1"), remediate.VM("rave")} {
		if _, err := unitOf(target); err == nil {
			t.Errorf("unitOf(%s) is no error", target)
		}
	}
}
