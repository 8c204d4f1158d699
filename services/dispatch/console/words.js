// What the console says, in Chinese and English, and how instants and stretches of time are written.

const WORDS = {
  title: ["网格派单 · 指挥台", "Grid Dispatch · console"], board: ["态势", "Board"], units: ["单位", "Units"], system: ["系统", "System"],
  live: ["实时", "live"], stale: ["连接中断，正在重连", "connection lost, trying again"], open: ["在办", "open"], overdue: ["红灯", "red"], soon: ["黄灯", "yellow"], calm: ["绿灯", "green"],
  queue: ["待办队列", "Queue"], map: ["网格地图", "Grids"], alerts: ["预警", "Alerts"], noAlerts: ["目前没有预警", "No alert now"], reset: ["清除筛选", "Clear filters"],
  due: ["剩余", "Time left"], dueAt: ["到期", "due"], county: ["全县", "whole county"], matter: ["事项", "Matter"], place: ["地点", "Place"], unit: ["承办单位", "Unit"], state: ["状态", "State"], urgency: ["紧急", "Urgency"], size: ["大小", "Size"], category: ["类别", "Category"],
  all: ["全部", "all"], empty: ["没有符合条件的工单", "No ticket fits these filters"], left: ["剩", "left"], late: ["超", "over"], dueBy: ["到期早于", "Due before"],
  badAddress: ["网址里有不认识的内容，未采用：", "The address holds something unknown, not used: "], notFound: ["没有这个工单，或者您无权查看。", "There is no such ticket, or you may not see it."],
  failed: ["暂时读不到，稍后自动再试。", "It cannot be read just now; it is tried again by itself."], back: ["返回态势", "Back to the board"],
  story: ["经过", "What happened"], clocks: ["时限", "Clocks"], why: ["为什么派到这里、为什么是这个时限", "Why here, why by then"], refused: ["考虑过但未采用", "Considered and refused"], facts: ["要素", "Facts"], shares: ["承办任务", "Shares"],
  actions: ["操作", "Actions"], role: ["角色", "Role"], noRole: ["只看", "look only"], actor: ["单位/人员编号", "unit/person id"], send: ["确认提交", "Confirm"], cancel: ["取消", "Cancel"],
  sending: ["正在提交…", "Sending…"], offline: ["网络不通。所填内容已保留，恢复后自动提交。", "No connection. What you wrote is kept and sent when it is back."],
  merges: ["并单", "Merges"], suggested: ["待定并单建议", "Suggested merges"], sameAs: ["可能同为", "May be the same as"], alike: ["相似", "Alike"], apart: ["相距", "Apart"], notForRole: ["当前角色不能办理，请先选择派单员或指挥中心。", "Not for this role: choose dispatcher or command centre."],
  merging: ["并入后随主单办理、随主单办结：主单", "It then waits for the main ticket and ends with it: main ticket"], keeps: ["两单各自办理，不再建议合并：", "Both stay as they are and are not suggested again:"], mergesInto: ["本单不再单独办理，随所填主单办结；误并可拆单恢复。", "This ticket then waits for the one you name and ends with it; splitting it off undoes that."], twenty: ["20 位工单编号，可输入其中几位查找", "20 digits; any part of it finds open tickets"], notOpen: ["不在办的工单中，请核对编号", "not among the open tickets: check the number"],
  splits: ["拆出后恢复并单前的单位和时限。", "It gets back the units and clocks it had before."], cannot: ["未能办理：", "It could not be done:"], mergedInto: ["并入主单", "Merged into"], waiting: ["并入本单", "Waiting for it"],
  halted: ["停在最后状态", "standing still"],
  stepLate: ["有时限已过", "a limit passed"],
  busy: ["系统繁忙。所填内容已保留，稍后自动提交。", "The service is busy. What you wrote is kept and sent again by itself."],
  still: ["消息系统暂时不可用：看板停在最后的状态，恢复后自动更新。", "The message system is away: the board stands still as last heard, and goes on by itself."],
  signIn: ["请先填写访问令牌。", "Enter your access token first."], notYours: ["当前角色无权查看；若令牌有多个角色，请先选择角色。", "This role may not see it; if your token has several roles, choose one first."],
  expired: ["登录已失效。所填内容已保留，请重新登录后再提交。", "Your session has ended. What you wrote is kept: sign in again, then confirm."], token: ["访问令牌", "Access token"],
  moved: ["工单刚刚有了新变化，已重新读取。请核对后再提交。", "The ticket has just moved on and was read again. Look, then confirm once more."],
  perhaps: ["断网前的提交可能已经生效，请先看“经过”。", "What you sent before the connection broke may have taken effect: look at what happened first."],
  done: ["已提交", "Done"], draft: ["有未提交的草稿", "an unsent draft"], none: ["没有", "none"], load: ["在办", "Open"], unsigned: ["待签收", "Unsigned"], rate: ["按时率（近 7 天）", "On time (7 days)"], results: ["已反馈", "Results"], leads: ["主办", "Leads"],
  outbox: ["待发布事件", "events unpublished"], parked: ["等待前序的事件", "events parked"], dead: ["死信", "dead letters"], lateClocks: ["迟响的时钟", "late clocks"], unwatched: ["无时钟的在办工单", "open without a clock"], watchers: ["在看的人", "watching"],
  reason: ["原因", "Reason"], when: ["时间", "When"], from: ["来源", "From"], fewer: ["少", "fewer"], more: ["多", "more"], theme: ["明暗", "Theme"], ahead: ["接下来", "Ahead"], accepted: ["受理", "accepted"], level: ["督办", "supervision"], round: ["第几轮", "round"], number: ["编号", "No."], type: ["类型", "Type"],
  services: ["各服务", "Services"], service: ["服务", "Service"], without: ["未含", "without"], answers: ["已应答", "answers"], asked: ["正在询问", "being asked"], noAddress: ["未配置地址，没有询问", "no address set: not asked"], notForYou: ["当前角色或辖区无权查看", "not for this role or area"], notAnswering: ["问不到；若有数字，是上次所见", "does not answer; figures, if any, are as last read"],
  search: ["编号", "number"], capped: ["只显示最急的", "Only the most urgent are shown:"], grid: ["网格", "Grid"], deadLetters: ["未处理的死信", "Dead letters not settled"],
};
const EVENTS = {
  "ticket.assigned": ["派单", "assigned"], "ticket.redispatched": ["二次派单", "redispatched"], "ticket.signed": ["签收", "signed"], "ticket.contacted": ["联系诉求人", "citizen contacted"], "ticket.checked-in": ["到场", "on site"],
  "ticket.handler-named": ["指定承办人", "handler named"], "ticket.stage-reported": ["阶段性反馈", "stage reported"], "ticket.first-disposed": ["先行处置", "contained"], "ticket.part-submitted": ["协办反馈", "part handed in"], "ticket.resolved": ["办理反馈", "result handed in"],
  "ticket.audited": ["审核通过", "audit passed"], "ticket.reworked": ["退回重办", "sent back"], "ticket.return-requested": ["申请退单", "return asked"], "ticket.returned": ["退单", "returned"], "ticket.return-refused": ["驳回退单", "return refused"], "ticket.recalled": ["收回", "recalled"],
  "ticket.light-changed": ["亮灯", "light changed"], "ticket.reminded": ["提醒", "reminded"], "ticket.escalated": ["督办升级", "escalated"], "ticket.converted": ["逾期转大事", "turned big"], "ticket.found-big": ["现场转大事", "found big"], "ticket.found-complex": ["认定疑难", "found complex"], "ticket.assessed": ["现场核定", "assessed on the spot"],
  "ticket.hang-proposed": ["提议挂账", "hanging proposed"], "ticket.hung": ["挂账", "hung"], "ticket.unhung": ["恢复办理", "handled again"], "ticket.hang-told": ["告知进展", "citizen told"], "ticket.info-requested": ["要求补充", "information asked"], "ticket.info-supplied": ["已补充", "information supplied"],
  "ticket.extension-requested": ["申请延期", "extension asked"], "ticket.extended": ["延期", "extended"], "ticket.extension-refused": ["驳回延期", "extension refused"], "ticket.whistled": ["吹哨", "whistle"], "ticket.reported-in": ["报到", "reported in"], "ticket.planned": ["联动方案", "joint plan"],
  "ticket.meeting-held": ["会商", "meeting held"], "ticket.support-waived": ["免协办", "support waived"], "ticket.partner-evaluated": ["互评", "partner scored"], "ticket.hasten-noted": ["催办", "hastened"], "ticket.urgency-changed": ["调整紧急程度", "urgency changed"], "ticket.category-confirmed": ["确认类别", "category confirmed"],
  "ticket.closed": ["结案", "closed"], "ticket.answered": ["直接答复", "answered directly"], "ticket.archived": ["归档", "put away"], "ticket.call-back-asked": ["须回访核实", "to be asked back"], "ticket.called-back": ["已回访核实", "asked back"], "ticket.reopened": ["重办", "reopened"], "ticket.deadline-recounted": ["期限重算", "deadline recounted"], "ticket.withdrawn": ["撤回", "withdrawn"], "ticket.put-aside": ["并入主单", "put aside"], "ticket.taken-up": ["恢复单独办理", "taken up again"], "ticket.resolved-with": ["随主单办结", "resolved with the main one"],
  "incident.deadline-set": ["主单期限变动", "deadline of the main one moved"], "ticket.wish-passed-over": ["请求已无法办理", "wish passed over"], "guard.refused": ["清单校验拒绝", "refused by a guard"],
};
const COMMANDS = {
  "sign": ["签收", "Sign"], "name-handler": ["指定承办人", "Name handler"], "contact": ["已联系诉求人", "Citizen contacted"], "check-in": ["到场", "On site"], "report-stage": ["阶段性反馈", "Report a stage"], "report-first-disposal": ["先行处置完成", "Contained"],
  "resolve": ["办理反馈", "Hand in the result"], "sub-dispatch": ["下派", "Pass down"], "return": ["申请退单", "Ask to return"], "grant-return": ["同意退单", "Grant return"], "refuse-return": ["驳回退单", "Refuse return"], "recall": ["收回", "Recall"], "convert-size": ["转大事", "Make it big"], "assess": ["现场核定", "Assess on the spot"],
  "pass-audit": ["审核通过", "Pass audit"], "rework": ["退回重办", "Send back"], "redispatch": ["改派", "Redispatch"], "designate": ["指定承办", "Designate"], "ask-info": ["要求补充", "Ask for information"], "supply-info": ["已补充", "Supply information"], "ask-extension": ["申请延期", "Ask extension"], "grant-extension": ["同意延期", "Grant extension"], "refuse-extension": ["驳回延期", "Refuse extension"],
  "propose-hang": ["提议挂账", "Propose hanging"], "approve-hang": ["批准挂账", "Approve hanging"], "unhang": ["恢复办理", "Handle again"], "mark-complex": ["认定疑难", "Mark complex"], "change-urgency": ["调整紧急程度", "Change urgency"], "confirm-category": ["确认类别", "Confirm category"], "make-plan": ["联动方案", "Joint plan"], "hold-meeting": ["会商", "Meeting held"],
  "add-support": ["增加协办", "Add support"], "waive-support": ["免协办", "Waive support"], "blow-whistle": ["吹哨", "Whistle"], "report-in": ["报到", "Report in"], "evaluate-partner": ["互评", "Score partner"], "hasten": ["催办", "Hasten"], "supervise": ["督办", "Supervise"], "withdraw": ["撤回", "Withdraw"], "reopen": ["重办", "Reopen"], "answer": ["直接答复", "Answer directly"], "call-back": ["登记回访核实", "Say whether help came"], "split": ["拆单", "Split off"], "merge": ["并单", "Merge"], "keep-apart": ["不并", "Keep apart"], "merge-into": ["并入另一单", "Merge into another"],
};
const REASONS = {
  CONFIDENTIAL: ["其中一单要求保密", "one of them is confidential"], LEAD: ["其中一单是敏感线索", "one of them is a lead"], EXERCISE: ["演练工单不与真实工单合并", "one of them is an exercise"], OTHER_PARTY: ["举报的对象不同或未写明", "they report different parties, or do not say whom"],
  OTHER_DANGER: ["含紧急险情且内容不相似", "one is an emergency and they are not alike"], ENDED: ["其中一单已结束或尚未分拨", "one of them has ended or is not triaged yet"], SAME: ["两单已是同一单", "the two are one already"], IN_AN_INCIDENT: ["本单已并单，请先拆单", "it belongs to an incident already: split it off first"],
  RESULT_IN: ["本单已在回访或已结案", "its own citizen is asked already, or it is closed"], CLOSED: ["主单早已结案", "the main ticket was closed too long ago"],
};
const FIELDS = {
  into_ticket_no: ["主单编号", "Number of the main ticket"], unit: ["单位", "Unit"], reason: ["原因", "Reason"], decision: ["决定", "Decision"], finding: ["认定", "Finding"], basis: ["依据", "Basis"], handler: ["承办人编号", "Handler's id"], action: ["处置方式（代码）", "Action (code)"], reply: ["给诉求人的答复", "Reply to the citizen"], note: ["内部说明", "Note for the house"], why: ["理由（不对外）", "Reason, for the house only"], report: ["情况", "Report"],
  evidence: ["证据编号（逗号分隔）", "Evidence ids, with commas"], legal_basis: ["法律依据", "Legal basis"], limit: ["延长（如 3 WD）", "By (such as 3 WD)"], ground: ["事由（代码）", "Ground (code)"], owner: ["责任单位", "Owner"], plan: ["计划", "Plan"], record: ["决定文号", "Record"], review_days: ["几天后复核", "Days to review"], urgency: ["紧急程度", "Urgency"], category: ["类别", "Category"],
  helped: ["已有人到场处置", "Help came"], knowledge: ["知识条目", "Entry of the knowledge base"], question: ["要问的问题", "Question"], minutes: ["会商纪要", "Minutes"], kind: ["种类", "Kind"], units: ["部门", "Departments"], answer: ["答复", "Answer"], level: ["级别", "Level"], score: ["分数", "Score"], by: ["评价方", "By"], proposed_unit: ["建议单位", "Proposed unit"], enforces: ["涉及执法", "Enforcement"], summary: ["摘要", "Summary"], whistle_id: ["哨号", "Whistle"], assignment_id: ["承办任务", "Share"], lon: ["经度", "Longitude"], lat: ["纬度", "Latitude"],
};

export const language = { get now() { return localStorage.getItem("gd.lang") === "en" ? 1 : 0; }, set now(n) { localStorage.setItem("gd.lang", n ? "en" : "zh"); document.documentElement.lang = n ? "en" : "zh-CN"; } };
const THEMES = ["", "light", "dark"];
/** The look of the page: as the system has it, light or dark, as somebody chose last; the language as well. */
export function dress(isNext) {
  const was = localStorage.getItem("gd.theme") || "", theme = isNext ? THEMES[(THEMES.indexOf(was) + 1) % 3] : was;
  localStorage.setItem("gd.theme", theme);
  if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme;
  language.now = language.now;
}
const pick = (pair, fallback) => (pair ? (Array.isArray(pair) ? pair[language.now] : language.now ? pair.en : pair.zh) : fallback);
export const say = (key) => pick(WORDS[key], key);
export const ofEvent = (type) => pick(EVENTS[type], type);
export const ofCommand = (name) => pick(COMMANDS[name], name);
export const ofReason = (code, fallback) => pick(REASONS[code], fallback);
export const ofField = (name) => pick(FIELDS[name], name);

/** Names of codes, from the service. */
export class Names {
  constructor(all) { this.all = all; }
  pick(pair, fallback) { return pick(pair, fallback); }
  unit(id) { return pick(this.all.units[id], id || "–"); }
  category(code) { return pick(this.all.categories[code], code); }
  label(kind, value) { return pick(this.all.labels[kind]?.[value], value); }
  state(value) { return pick(this.all.lifecycle.ticket.states[value], value); }
  share(value) { return pick(this.all.lifecycle.assignment.states[value], value); }
  clock(value) { return pick(this.all.clocks[value], value); }
  addressee(value) { return pick(this.all.addressees[value], value); }
  role(value) { return pick(this.all.roles[value], value); }
  place(code) {
    const kind = { 15: "grid", 12: "village", 9: "township" }[(code || "").length];
    if (kind) return this.unit(`${kind}:${code}`).replace(/^\w+:/, "");
    return code?.length === 6 ? say("county") : code || "–";
  }
  refusal(code, fallback) { const told = pick(this.all.refusals[code], null); return told ? told.replace(/\{.*?\}/g, "…") : fallback || code; }
}

const ZONE = "Asia/Shanghai";
const STAMP = new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const stamp = (text) => (text ? STAMP.format(new Date(text)).replace("/", "-") : "–");
const two = (n) => String(n).padStart(2, "0");
export const wall = (ms) => new Intl.DateTimeFormat(language.now ? "en-GB" : "zh-CN", { timeZone: ZONE, dateStyle: "medium", timeStyle: "medium" }).format(ms);

/** A stretch of time in the largest two units that matter; seconds only in the last hour. */
export function span(ms) {
  const s = Math.floor(Math.abs(ms) / 1000), d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
  if (d) return language.now ? `${d}d ${two(h)}h` : `${d}天${two(h)}时`;
  return h ? (language.now ? `${h}h ${two(m)}m` : `${h}时${two(m)}分`) : `${two(m)}:${two(s % 60)}`;
}
