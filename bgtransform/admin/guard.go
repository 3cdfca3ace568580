package admin

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// admit returns who sends a request, or a problem if they may not use the page.
func (h *Handler) admit(r *http.Request) (User, error) {
	if h.authorize == nil {
		user, err := local(r)
		if err != nil {
			h.log.WarnContext(r.Context(), "bgtransform: the admin page refused a request", "reason", err.Error(), "from", r.RemoteAddr)
		}
		user.ReadOnly = h.readOnly
		return user, err
	}
	user, err := h.authorize(r)
	if err == nil && strings.TrimSpace(user.Name) == "" {
		err = errors.New("the authorizer returned no name")
	}
	if err != nil {
		h.log.WarnContext(r.Context(), "bgtransform: the admin page refused a request", "reason", err.Error(), "from", r.RemoteAddr)
		return User{}, problem{http.StatusForbidden, "you may not use this page"}
	}
	user.ReadOnly = user.ReadOnly || h.readOnly
	return user, nil
}

// howTo says what to do about a refusal.
const howTo = "; to let others in, the app gives the page an authorizer (admin.Authorize)"

// local returns the user of a request that was sent by a process of this machine, to
// this machine, and that nobody has passed on.
func local(r *http.Request) (User, error) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	switch {
	case err != nil || !from.Addr().Unmap().IsLoopback():
		return User{}, problem{http.StatusForbidden, "this page is for callers on the app's own machine" + howTo}
	case !r.ProtoAtLeast(1, 1):
		// So nginx asks, which says nothing of itself unless it is told to.
		return User{}, problem{http.StatusForbidden, "this request is one of HTTP/1.0, as proxies send them, whose users all look local" + howTo}
	case forwarded(r.Header) != "":
		return User{}, problem{http.StatusForbidden, "this request has come through a proxy, as its header " + forwarded(r.Header) + " says, whose users all look local" + howTo}
	case !loopbackHost(r.Host):
		return User{}, problem{http.StatusForbidden, "this page is to be asked for as localhost or by a loopback address, not by another name" + howTo}
	}
	return User{Name: from.Addr().Unmap().String() + " (admin page)"}, nil
}

// forwarded returns a header with which proxies say for whom they ask; empty if there is
// none.
func forwarded(header http.Header) string {
	for name := range header {
		if strings.HasPrefix(name, "X-Forwarded") {
			return name
		}
	}
	for _, name := range []string{
		"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Original-Forwarded-For", "X-Original-Host",
		"True-Client-Ip", "Cf-Connecting-Ip", "Cf-Ray", "Cdn-Loop", "Fastly-Client-Ip", "Fly-Client-Ip", "X-Envoy-External-Address", "X-Appengine-User-Ip", "X-Azure-Clientip",
	} {
		if header[name] != nil { // be it empty
			return name
		}
	}
	return ""
}

// loopbackHost reports whether a Host can mean nothing but this machine. A name that
// somebody else owns can be made to point here.
func loopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}

// secure sets the headers that keep a browser from doing what nobody meant.
func secure(header http.Header) {
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	header.Set("Cache-Control", "private, no-cache")
	// Not no-referrer: with it, browsers send forms with the Origin null, which is no
	// origin of ours.
	header.Set("Referrer-Policy", "same-origin")
}
