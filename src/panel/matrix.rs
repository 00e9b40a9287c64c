//! The permissions as a table: a row for each area, a column for each action.

use std::collections::BTreeSet;

use super::rights;
use super::sheet::Sheet;
use crate::policy::{Grant, Permission, Policy, Role, User};

/// The columns that nearly every area has, in the order of a day's work.
const USUAL: [&str; 4] = ["view", "create", "edit", "delete"];

/// The whole table.
pub(super) struct Matrix {
    /// The columns.
    pub(super) actions: Vec<String>,
    pub(super) areas: Vec<Area>,
    /// Everything there is, with one tick.
    pub(super) all: Cell,
    /// What is granted and has no place in the table.
    pub(super) others: Vec<Cell>,
}

/// One area, such as `products`.
pub(super) struct Area {
    pub(super) name: String,
    /// Every action of it, with one tick.
    pub(super) all: Cell,
    /// By column; `None` where no request needs it.
    pub(super) cells: Vec<Option<Cell>>,
}

/// One tick box.
pub(super) struct Cell {
    pub(super) grant: String,
    pub(super) ticked: bool,
    /// The roles that give it already.
    pub(super) by: Vec<String>,
    /// A wider grant of the user's own that gives it already.
    pub(super) within: Option<String>,
    /// The editor does not hold it, so cannot grant it.
    pub(super) locked: bool,
}

impl Cell {
    /// What gives it already, for a person to read.
    pub(super) fn given(&self) -> Option<String> {
        match (self.by.as_slice(), &self.within) {
            ([], None) => None,
            ([], Some(grant)) => Some(format!("by {grant}")),
            (roles, _) => Some(format!("by {}", roles.join(", "))),
        }
    }
}

/// What each cell is made from.
struct Making<'a> {
    policy: &'a Policy,
    editor: Option<&'a User>,
    sheet: &'a Sheet,
    own: Vec<Grant>,
}

impl Matrix {
    pub(super) fn new(policy: &Policy, editor: Option<&User>, sheet: &Sheet) -> Self {
        let own = sheet.grants.iter().filter_map(|text| Grant::parse(text).ok()).collect();
        let making = Making { policy, editor, sheet, own };
        let actions = actions(policy);
        let names: BTreeSet<_> = policy.permissions().iter().filter_map(split).map(|(area, _)| area).collect();
        // The panel's own come last: they are about users, and not about the store.
        let (panel, store): (Vec<_>, Vec<_>) = names.into_iter().partition(|area| is_panel(area));
        let area = |name: &str| making.area(name, &actions);
        let areas: Vec<_> = store.into_iter().chain(panel).map(area).collect();
        let all = making.cell("*");
        let mut placed: BTreeSet<&str> = BTreeSet::from(["*"]);
        for area in &areas {
            placed.insert(&area.all.grant);
            placed.extend(area.cells.iter().flatten().map(|cell| cell.grant.as_str()));
        }
        let others = sheet.grants.iter().filter(|grant| !placed.contains(grant.as_str()));
        let others = others.map(|grant| making.cell(grant)).collect();
        Self { actions, areas, all, others }
    }
}

impl Making<'_> {
    fn area(&self, name: &str, actions: &[String]) -> Area {
        let cell = |action: &String| {
            let text = format!("{name}.{action}");
            self.policy.permissions().iter().any(|known| known.as_str() == text).then(|| self.cell(&text))
        };
        Area { name: name.to_owned(), all: self.cell(&format!("{name}.*")), cells: actions.iter().map(cell).collect() }
    }

    fn cell(&self, text: &str) -> Cell {
        let ticked = self.sheet.grants.contains(text);
        let grant = Grant::parse(text).ok();
        let includes = |wider: &&Grant| grant.as_ref().is_some_and(|grant| *wider != grant && wider.includes(grant));
        let gives = |role: &&Role| {
            let held = self.sheet.roles.contains(&*role.name);
            held && role.grants.iter().any(|wider| grant.as_ref().is_some_and(|grant| wider.includes(grant)))
        };
        let editor = self.editor.zip(grant.as_ref());
        let may = editor.is_some_and(|(editor, grant)| rights::may_grant(self.policy, editor, grant));
        Cell {
            grant: text.to_owned(),
            ticked,
            by: self.policy.roles().iter().filter(gives).map(|role| role.name.to_string()).collect(),
            within: self.own.iter().find(includes).map(ToString::to_string),
            locked: !ticked && !may,
        }
    }
}

/// The columns: the usual ones, and whatever else there is.
fn actions(policy: &Policy) -> Vec<String> {
    let known: BTreeSet<_> = policy.permissions().iter().filter_map(split).map(|(_, action)| action).collect();
    let usual = USUAL.into_iter().filter(|action| known.contains(action));
    let others = known.iter().copied().filter(|action| !USUAL.contains(action));
    usual.chain(others).map(str::to_owned).collect()
}

fn split(permission: &Permission) -> Option<(&str, &str)> {
    permission.as_str().rsplit_once('.')
}

fn is_panel(area: &str) -> bool {
    area == "panel" || area.starts_with("panel.")
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::sheet::Sheet;
    use super::Matrix;
    use crate::source::document::{Format, read};

    const LAW: &str = r#"
        [[resources]]
        name = "Orders"
        paths = ["/orders"]
        permissions = { GET = "orders.view", PUT = "orders.edit", POST = "orders.refund" }
        [roles]
        warehouse = ["orders.*"]
        [users.amy]
        roles = ["warehouse"]
        permissions = ["orders.view", "panel.*"]
        [users.bob]
        permissions = ["orders.view"]
    "#;

    #[test]
    fn each_permission_has_one_place_and_says_where_it_is_from() {
        let law = read("t", LAW, Format::Toml, SystemTime::UNIX_EPOCH).unwrap_or_else(|faults| panic!("{faults}"));
        let (amy, bob) = (law.users.get("amy").unwrap(), law.users.get("bob").unwrap());
        let matrix = Matrix::new(&law.policy, Some(bob), &Sheet::of(&law.policy, amy));
        assert_eq!(matrix.actions, ["view", "edit", "refund"]);
        let told: Vec<_> = matrix
            .areas
            .iter()
            .flat_map(|area| {
                let cells = area.cells.iter().flatten().chain([&area.all]);
                cells.map(|cell| (cell.grant.as_str(), cell.ticked, cell.given(), cell.locked))
            })
            .collect();
        let given = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                ("orders.view", true, given("by warehouse"), false),
                ("orders.edit", false, given("by warehouse"), true),
                ("orders.refund", false, given("by warehouse"), true),
                ("orders.*", false, given("by warehouse"), true),
                ("panel.audit.view", false, given("by panel.*"), true),
                ("panel.audit.*", false, given("by panel.*"), true),
                ("panel.users.view", false, given("by panel.*"), true),
                ("panel.users.edit", false, given("by panel.*"), true),
                ("panel.users.*", false, given("by panel.*"), true),
            ]
        );
        assert_eq!(matrix.others.iter().map(|cell| cell.grant.as_str()).collect::<Vec<_>>(), ["panel.*"]);
        assert!(matrix.all.locked && !matrix.all.ticked);
    }
}
