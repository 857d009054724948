//! The four actions on templates.

use serde_json::{Value, json};

use crate::sandbox::answer::{Answer, Refusal, code};
use crate::sandbox::params::Params;
use crate::sandbox::review::{APPROVED, Review};
use crate::sandbox::state::journal::Entry;
use crate::sandbox::state::records::Template;
use crate::sandbox::state::store::{World, new_id};
use crate::sandbox::text;

/// The purpose of verification codes.
pub(in crate::sandbox) const VERIFICATION: u8 = 1;
/// The purpose of marketing.
const MARKETING: u8 = 3;
/// Words of which every template for verification codes has one.
const VERIFICATION_WORDS: [&str; 4] = ["验证码", "注册码", "校验码", "动态码"];
/// Characters that no template may have.
const FORBIDDEN: [char; 4] = ['※', '●', '★', '￥'];

impl Template {
    /// Returns the status and reason of the review at `now`.
    pub(in crate::sandbox) fn status(&self, world: &World, now: i64) -> (u8, String) {
        self.review.outcome(&self.text, world.review_after, now)
    }

    /// Returns how domestic marketing ends, unless the text says it itself; otherwise nothing.
    pub(in crate::sandbox) fn ending(&self) -> &str {
        match self.unsubscribe.trim() {
            _ if self.purpose != MARKETING || self.international => "",
            "" => "拒收请回复R",
            unsubscribe => unsubscribe,
        }
    }
}

/// Returns the first letters of the ids of templates of this purpose, as UCloud's console shows them.
pub(in crate::sandbox) fn id_prefix(purpose: u8) -> &'static str {
    match purpose {
        VERIFICATION => "UTA",
        MARKETING => "UTB",
        _ => "UTN",
    }
}

/// CreateUSMSTemplate.
pub(in crate::sandbox) fn create(
    params: &Params,
    world: &mut World,
    now: i64,
) -> Result<Answer, Refusal> {
    let purpose = params.choice("Purpose", 1..=3)?;
    let international = params.flag("International")?;
    let name = params.required("TemplateName")?;
    check_length("TemplateName", name, 32)?;
    let text = params.required("Template")?;
    check_text(text, purpose, international, 500)?;
    check_length("Remark", params.get("Remark").unwrap_or_default(), 128)?;
    if purpose == MARKETING && !international {
        params.required("UnsubscribeInfo")?;
    }
    let id = new_id(id_prefix(purpose));
    world.record(Entry::Template(Template {
        id: id.clone(),
        name: name.to_owned(),
        purpose,
        text: text.to_owned(),
        unsubscribe: params.text("UnsubscribeInfo"),
        international,
        remark: params.text("Remark"),
        instruction: params.text("Instruction"),
        without_purpose: false,
        created: now,
        review: Review::begin(now),
    }));
    Ok(Answer::ok().with("TemplateId", id))
}

/// QueryUSMSTemplate.
pub(in crate::sandbox) fn query(
    params: &Params,
    world: &World,
    now: i64,
) -> Result<Answer, Refusal> {
    let template = find(world, params.required("TemplateId")?)?;
    let (status, reason) = template.status(world, now);
    let mut data = json!({
        "TemplateId": template.id,
        "Purpose": template.purpose,
        "TemplateName": template.name,
        "Template": template.text,
        "UnsubscribeInfo": template.unsubscribe,
        "Status": status,
        "Remark": template.remark,
        "ErrDesc": reason,
        "CreateTime": template.created / 1000,
    });
    if let Some(fields) = data.as_object_mut() {
        if !template.instruction.is_empty() {
            fields.insert("Instruction".into(), Value::from(template.instruction.as_str()));
        }
        if template.without_purpose {
            fields.remove("Purpose");
        }
    }
    Ok(Answer::ok().with("Data", data))
}

/// UpdateUSMSTemplate: a changed text is reviewed again; a changed name alone is not. The reference
/// lists no `UnsubscribeInfo`, so that it changes nothing and is counted.
pub(in crate::sandbox) fn update(
    params: &Params,
    world: &mut World,
    now: i64,
) -> Result<Answer, Refusal> {
    let existing = find(world, params.required("TemplateId")?)?;
    let (text, name) = (params.get("Template"), params.get("TemplateName"));
    if text.is_none() && name.is_none() {
        return Err(Refusal::missing("Template"));
    }
    let mut changed = existing.clone();
    let changes_text = text.is_some_and(|text| text != existing.text);
    if changes_text && !world.rules.may_change(existing.status(world, now).0) {
        let message = "the text of a template of this status cannot be changed";
        return Err(Refusal::invalid("TemplateId", message));
    }
    if let Some(text) = text {
        check_text(text, existing.purpose, existing.international, 600)?;
        text.clone_into(&mut changed.text);
    }
    if let Some(name) = name {
        check_length("TemplateName", name, 32)?;
        name.clone_into(&mut changed.name);
    }
    if let Some(remark) = params.get("Remark") {
        check_length("Remark", remark, 128)?;
        remark.clone_into(&mut changed.remark);
    }
    if let Some(instruction) = params.get("Instruction") {
        instruction.clone_into(&mut changed.instruction);
    }
    if changed.text != existing.text {
        changed.review = Review::begin(now);
    }
    if params.get("UnsubscribeInfo").is_some() {
        let parameter = "UpdateUSMSTemplate UnsubscribeInfo".to_owned();
        *world.counts.undocumented.entry(parameter).or_default() += 1;
    }
    world.record(Entry::Template(changed));
    Ok(Answer::ok())
}

/// DeleteUSMSTemplate: deletes all of the templates or none.
pub(in crate::sandbox) fn delete(
    params: &Params,
    world: &mut World,
    now: i64,
) -> Result<Answer, Refusal> {
    let ids = params.required_list("TemplateIds")?;
    for id in &ids {
        if !world.rules.may_delete(find(world, id)?.status(world, now).0) {
            return Err(Refusal::invalid("TemplateIds", "a template in review cannot be deleted"));
        }
    }
    for id in ids {
        world.record(Entry::Deleted(id.to_owned()));
    }
    Ok(Answer::ok())
}

/// Returns the template if messages may be sent with it.
pub(in crate::sandbox) fn check_approved(
    id: &str,
    world: &World,
    now: i64,
) -> Result<Template, Refusal> {
    world
        .templates
        .get(id)
        .filter(|template| template.status(world, now).0 == APPROVED)
        .cloned()
        .ok_or_else(|| {
            let message = format!("template [{id}] does not exist or is not approved");
            Refusal::new(code::TEMPLATE, message)
        })
}

fn check_text(text: &str, purpose: u8, international: bool, limit: usize) -> Result<(), Refusal> {
    let refuse = |reason: &str| Err(Refusal::invalid("Template", reason));
    check_length("Template", text, limit)?;
    if let Err(reason) = text::count_variables(text) {
        return refuse(reason);
    }
    if text::variables_only(text) {
        return refuse("must not consist of variables only");
    }
    if text.contains(FORBIDDEN) {
        return refuse("※ ● ★ ￥ are not allowed");
    }
    let has_word = VERIFICATION_WORDS.iter().any(|word| text.contains(word));
    if purpose == VERIFICATION && !international && !has_word {
        return refuse(
            "a verification code template must contain 验证码, 注册码, 校验码 or 动态码",
        );
    }
    Ok(())
}

fn check_length(name: &str, text: &str, limit: usize) -> Result<(), Refusal> {
    if text.chars().count() > limit {
        return Err(Refusal::invalid(name, &format!("more than {limit} characters")));
    }
    Ok(())
}

fn find<'a>(world: &'a World, id: &str) -> Result<&'a Template, Refusal> {
    world.templates.get(id).ok_or_else(|| Refusal::invalid("TemplateId", "template does not exist"))
}
