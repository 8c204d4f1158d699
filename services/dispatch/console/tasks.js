// The task page of a grid worker: what is to be done, the next step one tap away, also where there is no network.

import { html, render, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { get, me } from "./api.js";
import { Due, Light } from "./bits.js";
import { Citizen } from "./citizen.js";
import { draftOf, kept, Outbox } from "./outbox.js";
import { dress, language, Names, say } from "./words.js";

const WORDS = {
  title: ["我的任务", "My tasks"], who: ["网格或单位", "Grid or unit"], person: ["我的编号", "My id"], begin: ["开始", "Begin"], sign: ["签收", "Sign"], contact: ["已联系诉求人", "Citizen contacted"], "check-in": ["到场打卡", "Check in"], resolve: ["反馈结果", "Hand in result"], "blow-whistle": ["吹哨", "Whistle"], citizen: ["原话与联系", "Words and contact"],
  waiting: ["步待发送，有网后自动提交", "steps wait for a connection"], refused: ["未被接受", "not accepted"], givenBack: ["所写内容已放回草稿", "your words are back in the draft"], role: ["以什么角色", "In which role"], only: ["令牌里唯一的角色", "the only one of the token"], notAllowed: ["这个令牌不能这样登录：角色或网格不对。", "This token does not let you in like this: choose the role, and look at the unit."], ended: ["登录已失效，请重新登录。已记下的步骤都还在。", "Your session has ended: sign in again. What you noted is kept."], nothing: ["现在没有任务。", "Nothing to do now."], offline: ["离线：显示的是上次读到的", "Offline: as last read"], action: ["处置方式", "What was done"], reply: ["给诉求人的答复", "Reply to the citizen"], note: ["内部说明（可不填）", "Note for the house (optional)"],
  photo: ["照片", "Photo"], photoKept: ["照片留在手机上，只提交它的指纹编号", "The photo stays on the phone; its fingerprint is sent"], place: ["附上位置", "Add the place"], send: ["提交", "Send"], cancel: ["取消", "Cancel"], kind: ["种类", "Kind"], unit: ["叫哪个部门", "Which department"], basis: ["依据", "Why"], change: ["换人", "Change"], queued: ["已记下", "Noted"], filter: ["查找", "Find"],
};
const t = (key) => WORDS[key][language.now];
const ACTIONS = [["REPAIRED", "修复", "Repaired"], ["CLEANED", "清理", "Cleaned"], ["MEDIATED", "调解", "Mediated"], ["EXPLAINED", "解释说明", "Explained"], ["INSPECTED", "现场查看", "Inspected"]];
const NEXT = { PENDING_SIGN: "sign", SIGNED: "contact", REWORK: "contact", HANDLING: "resolve" };
const EVERY_MS = 5000;
const PAGE = 200;
const MOST = 5000;

/** All that is open for a unit, page after page. */
async function readTasks(unit) {
  const found = [];
  for (let after = ""; after !== null && found.length < MOST;) {
    const page = await get(`/v1/assignments?unit=${encodeURIComponent(unit)}&limit=${PAGE}${after && `&after=${encodeURIComponent(after)}`}`);
    found.push(...page.assignments);
    after = page.next;
  }
  return found;
}

function App() {
  const [, redraw] = useState(0), again = () => redraw((n) => n + 1), outbox = useRef(null), isNamed = useRef(false);
  const [who, setWho] = useState(kept.get("gd.worker")), [names, setNames] = useState(kept.get("gd.names")), [tasks, setTasks] = useState(kept.get("gd.tasks") || []), [isOff, setOff] = useState(false), [open, setOpen] = useState(null), [trouble, setTrouble] = useState(null);
  if (!outbox.current) outbox.current = new Outbox(again);
  const box = outbox.current;
  useEffect(() => {
    let timer = 0;
    const read = async () => {
      try {
        if (!isNamed.current) { const all = await get("/v1/names"); isNamed.current = true; kept.set("gd.names", all); setNames(all); }
        const sent = box.sent;
        if (who) { const all = await readTasks(who.unit); kept.set("gd.tasks", all); setTasks(all); }
        box.sent = box.sent.filter((step) => !sent.includes(step));
        const time = await get("/v1/clock");
        Object.assign(clock, { server: Date.parse(time.now), client: Date.now(), speed: time.speed });
        setOff(false);
      } catch (error) { if (error.status === 401 || error.status === 403) { setWho(null); setTrouble(error); } else setOff(true); }
      timer = setTimeout(read, EVERY_MS);
    };
    read();
    const tick = setInterval(again, 1000);
    return () => { clearTimeout(timer); clearInterval(tick); };
  }, [who, box.sent.length > 0]);
  if (!names) return html`<p class="loading">Grid Dispatch…</p>`;
  const all = new Names(names), todo = tasks.filter((a) => NEXT[a.state] && !box.has(a.id, "resolve"));
  if (!who) return html`<${Begin} names=${all} trouble=${trouble} done=${(w) => { kept.set("gd.worker", w); me.role = me.token ? w.role : "grid_worker"; me.actor = `${w.unit}/${w.person}`; setTrouble(null); setWho(w); }} />`;
  return html`<header class="bar"><h1>${t("title")} <span class="num quiet">${todo.length}</span></h1><span class="small quiet">${all.unit(who.unit)}</span>
    <div class="push"><button class="button" onClick=${() => { language.now = 1 - language.now; again(); }}>${language.now ? "中文" : "EN"}</button><button class="button" onClick=${() => { localStorage.removeItem("gd.worker"); setWho(null); }}>${t("change")}</button></div></header>
    ${box.waiting.length > 0 && html`<p class="notice" role="status"><strong class="num">${box.waiting.length}</strong> ${t("waiting")}</p>`}
    ${isOff && html`<p class="notice" role="status">${t("offline")}</p>`}
    ${box.refused.map(({ step, why }) => html`<p class="notice bad" role="alert">${t(step.name)} ${t("refused")}: ${all.refusal(why)} ${step.draft && html`<q class="words">${step.draft.reply || step.draft.basis || ""}</q> <span class="small">${t("givenBack")}</span>`} <button class="button" onClick=${() => { box.refused = box.refused.filter((r) => r.step.id !== step.id); }}>OK</button></p>`)}
    <main class="tasks">${todo.length === 0 && html`<p class="empty">${t("nothing")}</p>`}
      ${todo.map((a) => html`<${Task} key=${a.id} task=${a} names=${all} who=${who} box=${box} open=${setOpen} />`)}</main>
    ${open && html`<${open.kind === "citizen" ? Citizen : Sheet} key=${open.kind} ...${open} names=${all} who=${who} box=${box} close=${() => setOpen(null)} />`}`;
}

function Begin({ names, trouble, done }) {
  const was = kept.get("gd.worker") || {};
  const [find, setFind] = useState(""), [unit, setUnit] = useState(was.unit || ""), [person, setPerson] = useState(was.person || ""), [token, setToken] = useState(me.token), [role, setRole] = useState(was.role || "");
  const fits = Object.keys(names.all.units).filter((u) => u === unit || u.includes(find) || names.unit(u).includes(find)).slice(0, 80);
  const roles = [...new Set(["sign", "contact", "check-in"].flatMap((name) => names.all.commands[name].roles))];
  return html`<main class="page"><h1>${t("title")}</h1>${trouble && html`<p class="notice bad" role="alert">${t(trouble.status === 401 ? "ended" : "notAllowed")} <span class="small">${trouble.message}</span></p>`}
    <form class="sheet" onSubmit=${(e) => { e.preventDefault(); me.token = token.trim(); if (unit && person) done({ unit, person, role }); }}>
    <label class="field"><span>${t("filter")}</span><input value=${find} onInput=${(e) => setFind(e.target.value)} /></label>
    <label class="field"><span>${t("who")}</span><select required value=${unit} onChange=${(e) => setUnit(e.target.value)}><option value=""></option>${fits.map((u) => html`<option value=${u} selected=${u === unit}>${names.unit(u)}</option>`)}</select></label>
    <label class="field"><span>${t("person")}</span><input required maxlength="64" value=${person} onInput=${(e) => setPerson(e.target.value)} /></label>
    <label class="field"><span>${say("token")}</span><input type="password" autocomplete="off" maxlength="8000" value=${token} onInput=${(e) => setToken(e.target.value)} /></label>
    ${token && html`<label class="field"><span>${t("role")}</span><select data-role value=${role} onChange=${(e) => setRole(e.target.value)}><option value="">${t("only")}</option>${roles.map((r) => html`<option value=${r} selected=${r === role}>${names.role(r)}</option>`)}</select></label>`}
    <button class="button main big">${t("begin")}</button></form></main>`;
}

function Task({ task, names, who, box, open }) {
  const next = ["sign", "contact", "resolve"].find((name) => !box.has(task.id, name) && ["sign", "contact", "resolve"].indexOf(name) >= ["sign", "contact", "resolve"].indexOf(NEXT[task.state]));
  const step = (name, body) => box.add({ ticket: task.ticket_id, assignment: task.id, name, body });
  const isOn = NEXT[task.state] !== "sign" || box.has(task.id, "sign");
  const act = { sign: () => step("sign", { handler: who.person }), contact: () => step("contact", { handler: who.person }), resolve: () => open({ kind: "resolve", task }) };
  return html`<article class="panel task" data-task=${task.ticket_id}><header><${Light} light=${task.light} names=${names} /><h2>${names.category(task.category)}</h2><${Due} at=${task.due_at} now=${Date.now() + shift()} light=${task.light} /></header>
    <p class="body small"><span class="tag ${task.urgency}">${names.label("Urgency", task.urgency)}</span> ${names.label("AssignmentKind", task.kind)} · ${names.share(task.state)} · ${names.place(task.grid || task.village || task.township || task.county)} <span class="num quiet">${task.ticket_no.slice(-8)}</span></p>
    <footer><button class="button main big" data-step=${next} onClick=${act[next]}>${t(next)}</button>
      ${names.all.intake && html`<button class="button" data-step="citizen" onClick=${() => open({ kind: "citizen", task })}>${t("citizen")}</button>`}
      ${isOn && html`<button class="button" disabled=${box.has(task.id, "check-in")} onClick=${() => open({ kind: "check-in", task })}>${t("check-in")}</button><button class="button" onClick=${() => open({ kind: "blow-whistle", task })}>${t("blow-whistle")}</button>`}</footer></article>`;
}

/** How far the service's clock is from the phone's, as last read. */
const clock = { server: Date.now(), client: Date.now(), speed: 1 };
const shift = () => clock.server + (Date.now() - clock.client) * clock.speed - Date.now();

/** The fingerprint of a photo as an id: the photo can be matched to the report later, and needs no network now. */
async function fingerprint(file) {
  const sum = [...new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()))].slice(0, 16);
  sum[6] = (sum[6] & 0x0f) | 0x80;
  sum[8] = (sum[8] & 0x3f) | 0x80;
  const hex = sum.map((b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** A check-in carries no evidence of its own: its photo goes with the result. */
function keepForResult(assignment, evidence) {
  const key = draftOf(assignment, "resolve"), before = kept.get(key) || { action: "REPAIRED", evidence: [] };
  kept.set(key, { ...before, evidence: [...new Set([...(before.evidence || []), ...evidence])] });
}

const position = () => new Promise((done) => (navigator.geolocation ? navigator.geolocation.getCurrentPosition((p) => done({ lon: p.coords.longitude, lat: p.coords.latitude }), () => done({}), { timeout: 6000, maximumAge: 60000 }) : done({})));

function Sheet({ kind, task, names, who, box, close }) {
  const draft = draftOf(task.id, kind), frame = useRef(null), [body, setBody] = useState(kept.get(draft) || { kind: "ENFORCEMENT", action: "REPAIRED", evidence: [] }), [busy, setBusy] = useState(false);
  useEffect(() => { frame.current.showModal(); }, []);
  const write = (key, value) => { const next = { ...body, [key]: value }; setBody(next); kept.set(draft, next); };
  const photo = html`<label class="field"><span>${t("photo")}</span><input type="file" accept="image/*" capture="environment" onChange=${async (e) => e.target.files[0] && write("evidence", [...new Set([...(body.evidence || []), await fingerprint(e.target.files[0])])])} /><span class="small">${body.evidence?.length ? html`<code>${body.evidence.map((id) => id.slice(0, 8)).join(" ")}</code> ` : ""}${t("photoKept")}</span></label>`;
  const send = async (e) => {
    e.preventDefault(); setBusy(true);
    const made = kind === "resolve" ? { action: body.action, reply: body.reply, note: body.note || "", evidence: body.evidence || [] }
      : kind === "check-in" ? { handler: who.person, ...(body.place === false ? {} : await position()) } : { kind: body.kind, units: [body.unit], basis: body.basis };
    box.add({ ticket: task.ticket_id, assignment: task.id, name: kind, body: made, draft: body });
    if (kind === "check-in" && body.evidence?.length) keepForResult(task.id, body.evidence);
    localStorage.removeItem(draft); close();
  };
  const departments = Object.entries(names.all.units).filter(([, u]) => ["DEPARTMENT", "UTILITY", "ENFORCEMENT_TEAM"].includes(u.kind)).map(([id]) => id);
  return html`<dialog ref=${frame} onClose=${close} aria-labelledby="sheet-title"><form class="sheet" onSubmit=${send}><h2 id="sheet-title">${t(kind)}</h2><p class="small quiet">${names.category(task.category)} · <span class="num">${task.ticket_no.slice(-8)}</span></p>
    ${kind === "resolve" && html`<label class="field"><span>${t("action")}</span><select value=${body.action} onChange=${(e) => write("action", e.target.value)}>${ACTIONS.map(([code, zh, en]) => html`<option value=${code} selected=${code === body.action}>${[zh, en][language.now]}</option>`)}</select></label>
      <label class="field"><span>${t("reply")} *</span><textarea required maxlength="4000" value=${body.reply || ""} onInput=${(e) => write("reply", e.target.value)}></textarea></label>
      <label class="field"><span>${t("note")}</span><input maxlength="4000" value=${body.note || ""} onInput=${(e) => write("note", e.target.value)} /></label>${photo}`}
    ${kind === "check-in" && html`<label><input type="checkbox" checked=${body.place !== false} onChange=${(e) => write("place", e.target.checked)} /> ${t("place")}</label>${photo}`}
    ${kind === "blow-whistle" && html`<label class="field"><span>${t("kind")}</span><select value=${body.kind} onChange=${(e) => write("kind", e.target.value)}>${["EMERGENCY", "ENFORCEMENT", "KEY_ISSUE"].map((k) => html`<option value=${k} selected=${k === body.kind}>${names.label("WhistleKind", k)}</option>`)}</select></label>
      <label class="field"><span>${t("unit")} *</span><select required value=${body.unit || ""} onChange=${(e) => write("unit", e.target.value)}><option value=""></option>${departments.map((u) => html`<option value=${u} selected=${u === body.unit}>${names.unit(u)}</option>`)}</select></label>
      <label class="field"><span>${t("basis")} *</span><textarea required maxlength="4000" value=${body.basis || ""} onInput=${(e) => write("basis", e.target.value)}></textarea></label>`}
    <footer><button type="button" class="button" onClick=${() => frame.current.close()}>${t("cancel")}</button><button class="button main big" disabled=${busy}>${t("send")}</button></footer></form></dialog>`;
}

dress();
document.title = say("title");
render(html`<${App} />`, document.getElementById("root"));
