"""What the codes of refusals mean, of guards and of commands, in Chinese and in English."""

from typing import Final, NamedTuple


class Wording(NamedTuple):
    """A sentence without its full stop; `{key}` stands for a value of the explanation."""

    zh: str
    en: str


W = Wording

GUARDS: Final = {
    "ENTRUSTMENT_WITHOUT_SUPPORT": W(
        "委托事项须附经费或人员和期限", "what is entrusted brings money or people, and an end"
    ),
    "SUPPORT_AND_END_NEEDED": W("委托须有相应支持", "an entrustment comes with its support"),
    "DUTY_LIST_VIOLATION": W("履职清单不允许", "the duty list does not allow it"),
    "DUTY_BASIC": W("基本履职事项", "a basic duty"),
    "DUTY_COOPERATE": W("配合履职事项，须由部门主办", "a duty to cooperate in: the department must lead"),
    "DUTY_TAKEN_BACK": W("已由上级收回的事项", "taken back by the level above"),
    "DUTY_UNLISTED": W("清单之外的事项", "on no duty list"),
    "DUTY_LIST_ABSENT": W("本县没有履职清单", "the county keeps no duty lists"),
    "NO_DUTY_LIST_ABOVE_TOWNSHIPS": W("县级单位不受乡镇清单限制", "units of the county are on no township's list"),
    "CONFLICT_OF_INTEREST": W("须回避", "it must stand aside"),
    "COMPLAINED_ABOUT_OR_BELOW": W("被投诉单位及其下属", "the matter complains about it, or about a unit above it"),
    "ENFORCEMENT_NOT_TO_GRID": W("执法事项不得派给村和网格", "enforcement never goes to a village or grid"),
    "ENFORCEMENT_BELOW_TOWNSHIP": W("乡镇以下没有执法权", "below a township nobody holds enforcement power"),
    "FORWARD_WITHOUT_ACTION": W("未处置不得再转", "it cannot be passed on again without an action"),
    "DUTY_WITHOUT_CAPABILITY": W("清单注明该乡镇不具备承接能力", "by the list the township is not able to take it on"),
    "FORWARDS_AT_MOST": W("同级未处置而转派已满次数", "its level passed it on as often as it may without acting"),
    "OWN_WORK": W("不得审核自己办理的事项", "nobody verifies his own work"),
    "VERIFIER_IS_NOT_HANDLER": W("审核人不得是承办人", "who verifies is not who handled it"),
    "VERIFIED_BEFORE": W("审核过本诉求的人不得再次审核", "who accepted this matter before cannot accept it again"),
    "ANOTHER_VERIFIER": W("多次反映的诉求须换人审核", "what came back so often is looked at by somebody else"),
    "PERSON_NEEDED": W("须写明经办人", "this step needs to know who takes it"),
    "SECOND_PERSON_NEEDED": W("须由另一人批准", "another person must approve"),
    "TWO_PERSONS": W("须两人经手", "two persons are needed"),
    "NO_SUCH_UNIT": W("没有这个单位", "there is no such unit"),
    "UNIT_UNKNOWN": W("单位不在组织表中", "the unit is not in the organisation"),
    "ROLE_MAY_NOT": W("该角色无此权限", "this role may not do it"),
    "NOT_YOUR_ASSIGNMENT": W("由其他单位负责", "another unit answers for it"),
}
HANDLING: Final = {
    "NO_SUCH_ASSIGNMENT": W("工单没有这项派单", "the ticket has no such assignment"),
    "ASSIGNMENT_ENDED": W("该派单已结束", "the assignment has ended"),
    "HANDLER_NEEDED": W("办理须明确承办人", "handling needs the person who does it"),
    "NOT_SIGNED": W("尚未签收", "it was not signed for"),
    "RESULT_EMPTY": W("办理结果须写明做法和答复", "a result says what was done and what the citizen is told"),
    "BASIS_NEEDED": W("须写明依据", "it needs its basis"),
    "EVIDENCE_NEEDED": W("此类事项办结须附佐证材料", "the result of such a matter comes with evidence"),
    "SUPPORT_OPEN": W("协办任务尚未完成", "parts of other units are still open"),
    "NOT_RESOLVED": W("没有可审核的结果", "there is no result to look at"),
    "NOT_DISPATCHED": W("工单不在办理中", "the ticket is not in hand"),
    "NOT_OPEN": W("工单已结案", "the ticket is closed"),
    "BEING_ASKED": W("正在回访诉求人", "its citizen is being asked"),
    "MERGED": W("已并入其他工单", "it waits for another ticket"),
    "NOT_MERGED": W("没有并入其他工单", "it waits for no other ticket"),
    "ILLEGAL_TRANSITION": W("工单目前的状态不允许", "the ticket is in no state for it"),
    "NOT_BELOW": W("不是其下属单位", "the unit does not stand below it"),
    "GRID_IS_LAST": W("网格之下没有单位", "nobody stands below a grid"),
}
RETURNS: Final = {
    "DESIGNATED": W("指挥中心指定的不得退单", "what the command centre designated cannot be returned"),
    "RETURN_ASKED_BEFORE": W("每个单位只能申请退单一次", "a unit may ask once for each ticket"),
    "FIRST_DISPOSAL_PENDING": W("特急事项须先行处置再谈职责", "a critical matter is contained before duty is disputed"),
    "RETURN_TOO_LATE": W("已过退单期", "the time for returns is over"),
    "NO_RETURN_ASKED": W("没有退单申请", "nobody asked to return it"),
    "LEAD_NEEDS_SUCCESSOR": W("主办不能只撤回，须改派", "a lead is given to another unit, never only recalled"),
    "DESIGNATE_ONLY": W("改派次数已满，由指挥中心指定", "redispatched too often: the command centre designates"),
    "SAME_UNIT": W("已由该单位主办", "the unit leads already"),
}
TIME: Final = {
    "NOTHING_ASKED": W("没有待答复的申请", "nothing was asked"),
    "ASKED_BEFORE": W("只能请诉求人补充一次", "the citizen is asked for information once"),
    "TOO_URGENT": W("紧急事项不得暂停或延期", "an urgent matter is not put off"),
    "AFTER_EXPIRY": W("已超期", "the deadline has passed"),
    "EXTENSION_TOO_LONG": W("超出可延长的期限", "more time than may be granted"),
    "CONVERT_INSTEAD": W("小事不延期，应当场转为大事", "a small matter is not put off: convert it to a big one"),
    "EXTENDED_BEFORE": W("只能延期一次", "more time is asked for once"),
    "UNKNOWN_LIMIT": W("时限写法不对", "this is no limit"),
    "NOT_HUNG": W("没有挂账", "it does not wait"),
    "NO_SUCH_GROUND": W("挂账理由不在规定之列", "this is no ground for waiting"),
    "REVIEW_TOO_LATE": W("复核时间太晚", "the review would be too late"),
    "NO_MORE_RENEWALS": W("挂账次数已满", "it waited often enough"),
    "NOTHING_PROPOSED": W("没有待批准的申请", "no proposal waits for approval"),
}
NATURE: Final = {
    "NOT_SMALL": W("不是小事", "it is not small"),
    "NOT_BIG": W("不是大事", "it is not big"),
    "NOTHING_ASSESSED": W("没有填写核定内容", "nothing was found on the spot"),
    "NO_SUCH_MARK": W("疑难认定依据不在规定之列", "this does not make a matter complex here"),
    "COMPLEX_BEFORE": W("已标为复杂事项", "it is marked complex already"),
    "SAME_URGENCY": W("紧急程度没有变化", "its urgency is this already"),
    "URGENCY_FLOOR": W("降低紧急程度须由指挥中心决定", "only the command centre may lower the urgency so far"),
    "NOT_IN_REVIEW": W(
        "只有待研判的事项可以定为小事", "only a doubtful matter can be made small, while it is looked at"
    ),
    "NOT_FOR_ITS_PLACE": W("属地不得主办", "its place may not lead it"),
    "CONFIRMED_BEFORE": W("类别已经人工确认", "a person has chosen the category already"),
}
JOINT: Final = {
    "SUPPORT_NEEDED": W("大事至少要有一个协办单位", "a big matter keeps at least one supporting unit"),
    "OWNER_NOT_INVOLVED": W("责任单位不在本工单中", "an owner has no part in the ticket"),
    "ONE_LEAD": W("只能有一个主办单位", "there is one lead"),
    "HAS_A_PART": W("该单位已承担任务", "the unit has a part already"),
    "REASON_NEEDED": W("须写明理由", "it needs its reason"),
    "NO_OPEN_PART": W("没有未完成的任务", "no part of it is open"),
    "NOT_PARTNERS": W("双方未共同办理", "the two did not work together on it"),
    "SCORED_BEFORE": W("已评过分", "it has scored already"),
    "CALLED_TWICE": W("同一单位被呼叫两次", "the unit was called already"),
    "NO_SUCH_WHISTLE": W("没有这次吹哨", "nobody blew that whistle"),
    "ANSWERED_BEFORE": W("已经应答", "it is answered already"),
}
CITIZEN: Final = {
    "REPORT_UNDER_WAY": W("举报已在办理，不能撤回", "a report under way is seen to the end"),
    "NOT_CLOSED": W("尚未结案", "it is not closed"),
    "NOT_ANSWERABLE": W(
        "只有咨询、建议和表扬可直接答复", "only a question, a suggestion or praise is answered directly"
    ),
    "TOO_URGENT_TO_ANSWER": W("紧急事项不得仅以答复办结", "an urgent matter does not end with an answer"),
    "UNIT_HAS_BEGUN": W("承办单位已开始办理，由其答复", "a unit has begun with it, and answers"),
    "NOT_TRANSFERRED": W("没有转外部", "it was not handed on"),
    "NO_CALL_BACK_DUE": W("不是特急事项，无须回访核实", "it was not critical: nobody is to ask back"),
    "CALLED_BACK": W("已核实到场处置", "help came, as somebody found out already"),
    "REOPEN_TOO_LATE": W("已过重办期，请另行提出", "it closed too long ago: hand in a new matter"),
}
REFUSALS: Final = {**HANDLING, **RETURNS, **TIME, **NATURE, **JOINT, **CITIZEN}
"""Why a command may not be."""
