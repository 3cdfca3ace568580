// Keeps a page up to date: when the server says that what it shows has changed, the page
// is fetched again, and what differs in it is put in place of the old. Without this script
// the page reads and acts all the same.
"use strict";
(() => {
	const main = document.querySelector("main[data-live-from]");
	if (!main || !main.dataset.liveFrom || !window.EventSource) return;
	const live = document.getElementById("live");
	const told = document.getElementById("told");
	let shown = main.dataset.etag;
	let wanted = shown;
	let busy = false;
	let events = null;
	let lost = null; // since when there is no news

	// What the server has sent of each part: the part itself may have been opened or typed into.
	const sent = new Map();
	const left = new Map(); // what is new of parts that were left alone
	for (const part of document.querySelectorAll("[data-live]")) sent.set(part.id, part.innerHTML);

	function say(on, text) {
		live.hidden = false;
		live.classList.toggle("on", on);
		live.textContent = text;
	}

	function silent() {
		lost ??= new Date();
		say(false, "no news since " + lost.toLocaleTimeString());
	}

	function heard() {
		lost = null;
		say(true, "live");
	}

	// A form into which somebody has typed is left alone, with its buttons, until that is sent
	// or taken back: what they are about to press must not become something else.
	function typedInto(part) {
		for (const field of (part.closest("form") || part).querySelectorAll("input:not([type=hidden])")) {
			if (field.value !== field.defaultValue || field.checked !== field.defaultChecked) return true;
		}
		return false;
	}

	// patch makes a node like a fresh one, and leaves alone what is the same in both: so a
	// selection, a click half done, and the place where somebody reads by ear survive.
	function patch(node, fresh) {
		if (node.nodeName !== fresh.nodeName || node.id !== fresh.id) {
			node.replaceWith(document.importNode(fresh, true));
			return;
		}
		if (node.nodeType !== Node.ELEMENT_NODE) {
			if (node.data !== fresh.data) node.data = fresh.data;
			return;
		}
		for (const name of node.getAttributeNames()) {
			if (!fresh.hasAttribute(name) && name !== "open" && name !== "tabindex") node.removeAttribute(name);
		}
		for (const name of fresh.getAttributeNames()) {
			if (node.getAttribute(name) !== fresh.getAttribute(name)) node.setAttribute(name, fresh.getAttribute(name));
		}
		const old = [...node.childNodes];
		[...fresh.childNodes].forEach((child, i) => {
			if (i < old.length) patch(old[i], child);
			else node.append(document.importNode(child, true));
		});
		for (const gone of old.slice(fresh.childNodes.length)) gone.remove();
	}

	function replace(fresh) {
		const part = document.getElementById(fresh.id);
		left.delete(fresh.id);
		if (!part || sent.get(fresh.id) === fresh.innerHTML) return;
		if (typedInto(part)) {
			left.set(fresh.id, fresh);
			return;
		}
		const focus = part.contains(document.activeElement) ? document.activeElement : null;
		const open = [...part.querySelectorAll("details[open]")].map((d) => d.id);
		sent.set(fresh.id, fresh.innerHTML);
		patch(part, fresh);
		for (const id of open) {
			const d = document.getElementById(id);
			if (d) d.open = true;
		}
		if (focus && !part.contains(document.activeElement)) {
			// Not to another button, where that one was: Enter would do what nobody meant.
			part.tabIndex = -1;
			(document.getElementById(focus.id) || part).focus({ preventScroll: true });
		}
	}

	main.addEventListener("input", () => [...left.values()].forEach(replace));

	// states tells those who do not see the page of what changes seldom: the states.
	function states(root) {
		const all = new Map();
		for (const e of root.querySelectorAll("[data-state]")) all.set(e.dataset.name, e.dataset.state);
		return all;
	}

	async function refresh() {
		if (busy || document.hidden) return;
		busy = true;
		try {
			while (wanted !== shown) {
				const next = wanted;
				const answer = await fetch(main.dataset.page, { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(30000) });
				if (!answer.ok) throw new Error(answer.statusText);
				const page = new DOMParser().parseFromString(await answer.text(), "text/html");
				if (!page.querySelector("main[data-etag]")) throw new Error("this is another page, such as one to log in");
				const before = states(main);
				for (const fresh of page.querySelectorAll("[data-live]")) replace(fresh);
				for (const [name, state] of states(main)) {
					if (before.has(name) && before.get(name) !== state) told.textContent = name + ": " + state;
				}
				shown = next;
			}
			heard();
		} catch (e) {
			silent();
			setTimeout(refresh, 10000);
		} finally {
			busy = false;
		}
	}

	// A stream says something every 15 seconds. One that does not is dead, though the browser
	// may not notice for hours: the network of a phone or a laptop has changed.
	let deaf = 0;
	function listening() {
		clearTimeout(deaf);
		deaf = setTimeout(() => {
			close();
			silent();
			watch();
		}, 45000);
	}

	function close() {
		clearTimeout(deaf);
		if (events) events.close();
		events = null;
	}

	function watch() {
		if (events || document.hidden) return;
		events = new EventSource(main.dataset.liveFrom);
		// That it is open says nothing yet: the first event says that the state could be read.
		const news = (e) => {
			listening();
			wanted = e.data;
			refresh();
		};
		events.onmessage = news;
		events.addEventListener("same", news);
		events.onerror = () => {
			silent();
			if (events.readyState === EventSource.CLOSED) { // the server has refused: try again, slowly
				close();
				setTimeout(watch, 10000);
			}
		};
		listening();
	}

	// A tab that nobody sees costs nothing.
	document.addEventListener("visibilitychange", () => {
		if (document.hidden && events) {
			close();
			say(false, "paused");
		} else {
			watch();
		}
	});
	watch();
})();
