/** Head, navigation, and the page between them. */
import { Alert, Button, Dropdown, Grid, Input, Layout, Menu } from "antd";
import type { InputRef } from "antd";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { Outlet, useLocation, useNavigate } from "react-router";
import { central, session } from "@lineside/client/central.ts";
import { clockTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { LanguageSwitch } from "./LanguageSwitch.tsx";
import { reach, useMay, useMe } from "./queries.ts";
import { useText } from "./words.ts";
import type { Word } from "./words.ts";

const PAGES: readonly { path: string; word: Word; permission: string }[] = [
  { path: "/trace", word: "nav.trace", permission: "trace.read" },
  { path: "/orders", word: "nav.orders", permission: "orders.read" },
  { path: "/floor", word: "nav.floor", permission: "edges.read" },
  { path: "/figures", word: "nav.figures", permission: "figures.read" },
  { path: "/people", word: "nav.people", permission: "people.read" },
  { path: "/edges", word: "nav.edges", permission: "configurations.read" },
  { path: "/print", word: "nav.print", permission: "labels.print" },
];

/** The frame of every page. */
export function Shell() {
  const text = useText();
  const navigate = useNavigate();
  const location = useLocation();
  const may = useMay();
  const pages = PAGES.filter((page) => may(page.permission));
  const wide = Grid.useBreakpoint().lg ?? true;
  const selected = PAGES.find((page) => location.pathname.startsWith(page.path))?.path ?? "";
  const pagesMenu = (mode: "inline" | "horizontal") => (
    <nav aria-label={text("nav.title")}>
      <Menu
        mode={mode}
        selectedKeys={[selected]}
        onClick={({ key }) => void navigate(key)}
        items={pages.map((page) => ({ key: page.path, label: text(page.word) }))}
      />
    </nav>
  );
  return (
    <Layout className="shell">
      <a className="skip" href="#content" onClick={(event) => {
        event.preventDefault();
        document.getElementById("content")?.focus();
      }}>
        {text("skip")}
      </a>
      <Layout.Header className="shell__head">
        <span className="shell__brand">Lineside</span>
        <Search />
        <span className="shell__space" />
        <LanguageSwitch />
        <User />
      </Layout.Header>
      {!wide && <div className="shell__top">{pagesMenu("horizontal")}</div>}
      <Layout>
        {wide && (
          <Layout.Sider width={176} className="shell__side">
            {pagesMenu("inline")}
          </Layout.Sider>
        )}
        <Layout.Content id="content" tabIndex={-1} className="shell__content">
          <Away />
          <Outlet />
        </Layout.Content>
      </Layout>
    </Layout>
  );
}

/** A number scanned or typed here opens its life, from every page; `/` jumps here. */
function Search() {
  const text = useText();
  const navigate = useNavigate();
  const location = useLocation();
  const asked = location.pathname === "/trace" ? (new URLSearchParams(location.search).get("q") ?? "") : "";
  const [draft, setDraft] = useState({ asked, value: asked });
  const value = draft.asked === asked ? draft.value : asked;
  const field = useRef<InputRef>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const elsewhere = event.target !== document.body && event.target !== document.getElementById("content");
      if (elsewhere || event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey) return;
      // A scanner types wherever the focus is: its first key already belongs to the search.
      if (event.key === "/" || event.key === " ") event.preventDefault();
      if (event.key !== " ") field.current?.focus({ cursor: "all" });
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  return (
    <Input.Search
      ref={field}
      className="shell__search"
      placeholder={text("search.placeholder")}
      aria-label={text("search.placeholder")}
      allowClear
      value={value}
      onChange={(event) => setDraft({ asked, value: event.target.value })}
      onSearch={(sought) => {
        const number = numberIn(sought.trim());
        if (number !== "") void navigate(`/trace?q=${encodeURIComponent(number)}`);
      }}
    />
  );
}

/** The serial or lot number in a scanned GS1 Digital Link; any other scan is the number itself. */
function numberIn(scan: string): string {
  const found = /^https?:\/\/.*\/(?:21|10)\/([^/?#]+)(?:[?#].*)?$/.exec(scan)?.[1];
  return found === undefined ? scan : decodeURIComponent(found);
}

function User() {
  const text = useText();
  const me = useMe();
  return (
    <Dropdown
      trigger={["click"]}
      menu={{
        items: [{ key: "out", label: text("sign_out") }],
        onClick: () => {
          void central.POST("/api/v1/auth/logout").finally(() => session.end());
        },
      }}
    >
      <Button type="text">{me.data?.name ?? "…"} ▾</Button>
    </Dropdown>
  );
}

function Away() {
  const text = useText();
  const { language } = useLanguage();
  const since = useSyncExternalStore(reach.subscribe, reach.awaySince);
  if (since === null) return null;
  return (
    <Alert
      type="warning"
      showIcon
      className="shell__away"
      title={text("away.title", { time: clockTime(since * 1000, language) })}
      description={text("away.hint")}
    />
  );
}
