package admin_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// fieldsOf are the names and values of the fields of a page's forms, of each those that
// would be sent.
func fieldsOf(page string) map[string]string {
	all := map[string]string{}
	for _, tag := range control.FindAllString(page, -1) {
		a := attributes(tag)
		if a["type"] == "checkbox" && !strings.Contains(tag, " checked") {
			continue
		}
		if a["id"] != "" {
			all[a["id"]] = a["value"]
		} else if a["name"] != "token" {
			all[a["name"]] = a["value"]
		}
	}
	if m := regexp.MustCompile(`<option value="([^"]*)" selected>`).FindStringSubmatch(page); m != nil {
		all["for"] = m[1]
	}
	return all
}

// A form that was refused is shown again as it was filled in, and open: at night nobody
// wants to type a window twice, nor to run for another time than was chosen.
func TestRefusedFormIsKept(t *testing.T) {
	t.Parallel()
	h, s := idle(t, newDB(t, 1, 1))
	_ = form("/transforms/"+move+"/tune", "DUTY=20%25&was-DUTY=").send(t, h)
	for action, tc := range map[string]struct {
		sent, open string
		want       map[string]string
	}{
		"resume":  {"why=mended", "", map[string]string{"why": "mended"}},
		"verify":  {"sample=much&repair=yes&why=sure", "verify-open", map[string]string{"sample": "much", "repair": "yes", "why-verify": "sure", "why": ""}},
		"tune":    {"DUTY=2O%25&was-DUTY=20%25&BATCH_MAX=70&was-BATCH_MAX=&why=slow", "settings-open", map[string]string{"set-DUTY": "2O%", "was-DUTY": "20%", "set-BATCH_MAX": "70", "was-BATCH_MAX": "", "why-tune": "slow"}},
		"run-now": {"confirm=tracks&for=8h&why=now", "danger-open", map[string]string{"for": "8h", "why-danger": "now", "confirm": ""}},
	} {
		w := form("/transforms/"+move+"/"+action, tc.sent).send(t, h)
		page := w.Body.String()
		if w.Code != http.StatusConflict && w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s is answered %d", action, w.Code)
		}
		got := fieldsOf(page)
		for name, want := range tc.want {
			if got[name] != want {
				t.Errorf("after %s, %s holds %q, want %q", action, name, got[name], want)
			}
		}
		open := ""
		if m := regexp.MustCompile(`<details id="([^"]*)" open>`).FindStringSubmatch(page); m != nil {
			open = m[1]
		}
		if open != tc.open || !strings.Contains(page, `role="alert"`) {
			t.Errorf("after %s, %q is open, want %q, and why it was refused", action, open, tc.open)
		}
	}
	if done := log(t, s); len(done) != 1 {
		t.Errorf("done: %+v", done)
	}
}

// Enter in a field presses the first button of its form. Where that would be one of
// several, as cancel is for who means to revert, it is one that does nothing.
func TestEnterChoosesNothing(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 1))
	page := get(t, h, "/transforms/"+move).Body.String()
	several := 0
	for _, form := range regexp.MustCompile(`(?s)<form .*?</form>`).FindAllString(page, -1) {
		buttons := regexp.MustCompile(`<button[^>]*>`).FindAllString(form, -1)
		if !strings.Contains(form, "formaction") {
			continue
		}
		several++
		if buttons[0] != "<button disabled hidden>" {
			t.Errorf("Enter presses %s", buttons[0])
		}
	}
	if several != 2 {
		t.Errorf("%d forms offer several actions, want 2", several)
	}
}

// All that a verification can be asked for is offered; the form as it is asks for all rows,
// without repair.
func TestVerifyForm(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 0))
	page := get(t, h, "/transforms/"+move).Body.String()
	for _, want := range []string{`<label for="sample">`, `<label for="repair">`, `<button id="do-verify">`, `action="../transforms/` + move + `/verify"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	_ = form("/transforms/"+move+"/verify", "sample=&why=").send(t, h)
	if page := get(t, h, "/transforms/"+move).Body.String(); !strings.Contains(page, "all rows.") || strings.Contains(page, "with repair") {
		t.Errorf("a form that was left as it is asks for something else:\n%s", page)
	}
}
