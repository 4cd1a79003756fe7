"""The facts behind the embedded model's training text, as plain tables. Every table is bilingual where both languages can say it."""


def table(text: str) -> list[list[str]]:
    """Splits lines of `a | b | c` into rows of stripped cells."""
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


def pairs(text: str) -> list[tuple[str, str]]:
    """Splits `english=chinese` items separated by semicolons."""
    return [tuple(item.strip().split("=")) for item in text.replace("\n", " ").split(";") if item.strip()]


# Category: its English and Chinese name, then the members.
CATEGORIES = {
    ("fruit", "水果"): pairs("apple=苹果; banana=香蕉; orange=橙子; pear=梨; peach=桃子; grape=葡萄; lemon=柠檬; strawberry=草莓; cherry=樱桃; "
                           "mango=芒果; watermelon=西瓜; pineapple=菠萝; plum=李子; coconut=椰子; kiwi=猕猴桃; apricot=杏"),
    ("vegetable", "蔬菜"): pairs("carrot=胡萝卜; potato=土豆; tomato=西红柿; onion=洋葱; cabbage=白菜; cucumber=黄瓜; pumpkin=南瓜; eggplant=茄子; "
                               "spinach=菠菜; garlic=大蒜; celery=芹菜; radish=萝卜"),
    ("animal", "动物"): pairs("dog=狗; cat=猫; cow=牛; duck=鸭子; sheep=羊; horse=马; pig=猪; chicken=鸡; frog=青蛙; bee=蜜蜂; bird=鸟; lion=狮子; "
                            "tiger=老虎; wolf=狼; mouse=老鼠; elephant=大象; monkey=猴子; rabbit=兔子; snake=蛇; fish=鱼; bear=熊; panda=熊猫; fox=狐狸; "
                            "deer=鹿; camel=骆驼; ant=蚂蚁; spider=蜘蛛; butterfly=蝴蝶; whale=鲸鱼; penguin=企鹅; owl=猫头鹰; eagle=老鹰; goat=山羊; "
                            "donkey=驴; turtle=乌龟; crab=螃蟹; goose=鹅; zebra=斑马; giraffe=长颈鹿; dolphin=海豚"),
    ("tool", "工具"): pairs("hammer=锤子; saw=锯子; knife=小刀; shovel=铲子; screwdriver=螺丝刀; axe=斧头; ruler=尺子; needle=针; broom=扫帚; "
                          "ladder=梯子; brush=刷子"),
    ("vehicle", "交通工具"): pairs("car=汽车; bus=公共汽车; train=火车; plane=飞机; ship=轮船; bicycle=自行车; truck=卡车; taxi=出租车; motorcycle=摩托车; "
                                "boat=小船; helicopter=直升机"),
    ("piece of clothing", "衣物"): pairs("shirt=衬衫; hat=帽子; coat=外套; shoe=鞋子; sock=袜子; skirt=裙子; glove=手套; scarf=围巾; sweater=毛衣; "
                                       "jacket=夹克; belt=腰带"),
    ("piece of furniture", "家具"): pairs("table=桌子; chair=椅子; bed=床; sofa=沙发; desk=书桌; shelf=架子; wardrobe=衣柜; bookcase=书架; bench=长凳"),
    ("musical instrument", "乐器"): pairs("piano=钢琴; guitar=吉他; violin=小提琴; drum=鼓; flute=笛子; trumpet=小号; harp=竖琴; cello=大提琴"),
    ("drink", "饮料"): pairs("water=水; milk=牛奶; tea=茶; coffee=咖啡; juice=果汁; beer=啤酒; wine=葡萄酒; lemonade=柠檬水; cola=可乐"),
    ("sport", "运动"): pairs("football=足球; basketball=篮球; swimming=游泳; running=跑步; tennis=网球; skiing=滑雪; table tennis=乒乓球; "
                           "badminton=羽毛球; volleyball=排球; boxing=拳击; skating=滑冰"),
    ("flower", "花"): pairs("rose=玫瑰; lily=百合; sunflower=向日葵; tulip=郁金香; lotus=荷花; orchid=兰花; daisy=雏菊; peony=牡丹"),
    ("color", "颜色"): pairs("red=红色; blue=蓝色; green=绿色; yellow=黄色; black=黑色; white=白色; purple=紫色; brown=棕色; pink=粉色; gray=灰色"),
    ("job", "职业"): pairs("teacher=老师; doctor=医生; nurse=护士; farmer=农民; cook=厨师; driver=司机; policeman=警察; singer=歌手; writer=作家; "
                         "painter=画家; pilot=飞行员; fisherman=渔夫; dentist=牙医; lawyer=律师; baker=面包师; soldier=士兵; scientist=科学家; "
                         "firefighter=消防员; tailor=裁缝; engineer=工程师"),
    ("body part", "身体部位"): pairs("eye=眼睛; ear=耳朵; nose=鼻子; mouth=嘴巴; hand=手; foot=脚; head=头; arm=胳膊; leg=腿; finger=手指; tooth=牙齿; "
                                 "hair=头发; heart=心脏; knee=膝盖; shoulder=肩膀; tongue=舌头"),
    ("place", "地方"): pairs("school=学校; hospital=医院; park=公园; library=图书馆; shop=商店; restaurant=餐馆; museum=博物馆; bank=银行; station=车站; "
                           "airport=机场; farm=农场; zoo=动物园; factory=工厂; kitchen=厨房; bedroom=卧室; garden=花园; market=市场; cinema=电影院; hotel=酒店"),
}

# Words for translation that belong to none of the categories above.
MORE_WORDS = pairs(
    "sun=太阳; moon=月亮; star=星星; mountain=山; river=河; sea=大海; tree=树; grass=草; rain=雨; snow=雪; wind=风; cloud=云; fire=火; stone=石头; "
    "sky=天空; lake=湖; island=岛; forest=森林; book=书; pen=钢笔; pencil=铅笔; paper=纸; door=门; window=窗户; key=钥匙; clock=时钟; phone=电话; "
    "computer=电脑; cup=杯子; bowl=碗; spoon=勺子; fork=叉子; bag=包; umbrella=雨伞; lamp=灯; letter=信; ball=球; toy=玩具; money=钱; ticket=票; "
    "box=盒子; bottle=瓶子; plate=盘子; mirror=镜子; camera=相机; bread=面包; rice=米饭; egg=鸡蛋; meat=肉; soup=汤; sugar=糖; salt=盐; noodles=面条; "
    "dumpling=饺子; cake=蛋糕; honey=蜂蜜; cheese=奶酪; mother=妈妈; father=爸爸; brother=兄弟; sister=姐妹; friend=朋友; child=孩子; man=男人; woman=女人; "
    "student=学生; king=国王; queen=女王; eat=吃; drink=喝; sleep=睡觉; run=跑; walk=走; read=读; write=写; sing=唱歌; dance=跳舞; swim=游泳; speak=说; "
    "listen=听; look=看; buy=买; sell=卖; laugh=笑; cry=哭; think=想; love=爱; work=工作; study=学习; help=帮助; wait=等; sit=坐; stand=站; fly=飞; "
    "jump=跳; wash=洗; spring=春天; summer=夏天; autumn=秋天; winter=冬天; morning=早上; evening=晚上; today=今天; tomorrow=明天; yesterday=昨天; "
    "year=年; month=月; week=星期; hour=小时; minute=分钟; hello=你好; goodbye=再见; thanks=谢谢; sorry=对不起; please=请; name=名字; city=城市; "
    "country=国家; world=世界; language=语言; music=音乐; picture=图片; dream=梦; secret=秘密; question=问题; answer=答案; beautiful=美丽; happy=快乐; "
    "sweet=甜; sour=酸; salty=咸; bitter=苦; new=新; old=老; tall=高; short=矮; fast=快; slow=慢; hot=热; cold=冷; clean=干净; busy=忙; hungry=饿; tired=累")

# Thing, its colour, both in both languages.
COLORS = table("""
banana | yellow | 香蕉 | 黄色
lemon | yellow | 柠檬 | 黄色
sunflower | yellow | 向日葵 | 黄色
strawberry | red | 草莓 | 红色
cherry | red | 樱桃 | 红色
tomato | red | 西红柿 | 红色
fire truck | red | 消防车 | 红色
heart | red | 心脏 | 红色
cucumber | green | 黄瓜 | 绿色
frog | green | 青蛙 | 绿色
leaf | green | 树叶 | 绿色
watermelon | green | 西瓜皮 | 绿色
cabbage | green | 白菜叶 | 绿色
crow | black | 乌鸦 | 黑色
piece of coal | black | 煤炭 | 黑色
night sky | black | 夜空 | 黑色
blackboard | black | 黑板 | 黑色
swan | white | 天鹅 | 白色
snowman | white | 雪人 | 白色
polar bear | white | 北极熊 | 白色
cloud | white | 云 | 白色
sheep | white | 绵羊 | 白色
egg white | white | 牛奶 | 白色
eggplant | purple | 茄子 | 紫色
grape | purple | 葡萄 | 紫色
violet | purple | 紫罗兰 | 紫色
carrot | orange | 胡萝卜 | 橙色
pumpkin | orange | 南瓜 | 橙色
orange | orange | 橙子 | 橙色
chocolate bar | brown | 巧克力 | 棕色
coffee bean | brown | 咖啡豆 | 棕色
bear | brown | 棕熊 | 棕色
elephant | gray | 大象 | 灰色
mouse | gray | 老鼠 | 灰色
dolphin | gray | 海豚 | 灰色
pig | pink | 小猪 | 粉色
flamingo | pink | 火烈鸟 | 粉色
clear sky | blue | 天空 | 蓝色
sea | blue | 大海 | 蓝色
whale | blue | 蓝鲸 | 蓝色
""")

OPPOSITES_EN = [tuple(item.split("/")) for item in (
    "big/small hot/cold tall/short fast/slow old/young happy/sad light/dark open/closed full/empty clean/dirty rich/poor strong/weak "
    "hard/soft wet/dry thick/thin early/late near/far high/low loud/quiet easy/difficult good/bad right/wrong up/down left/right in/out "
    "on/off day/night black/white long/short heavy/light deep/shallow wide/narrow cheap/expensive safe/dangerous brave/afraid sharp/blunt "
    "first/last before/after always/never love/hate begin/end win/lose buy/sell push/pull laugh/cry remember/forget give/take question/answer "
    "friend/enemy inside/outside front/back north/south east/west summer/winter true/false smooth/rough sweet/sour busy/free").split()]
OPPOSITES_ZH = [tuple(item.split("/")) for item in (
    "大/小 高/矮 长/短 快/慢 热/冷 新/旧 多/少 远/近 黑/白 上/下 左/右 前/后 里/外 开/关 好/坏 轻/重 胖/瘦 早/晚 深/浅 宽/窄 厚/薄 强/弱 软/硬 "
    "干净/肮脏 快乐/悲伤 安全/危险 容易/困难 便宜/昂贵 勇敢/胆小 聪明/愚蠢 成功/失败 开始/结束 记得/忘记 喜欢/讨厌 白天/黑夜 男/女 老/少 真/假 "
    "美丽/丑陋 富有/贫穷 光明/黑暗 朋友/敌人 东/西 南/北 进/出 哭/笑 买/卖 冬天/夏天 天/地 古代/现代 增加/减少 认真/马虎 热闹/安静").split()]

IRREGULAR_PLURALS = dict(item.split("/") for item in (
    "child/children man/men woman/women foot/feet tooth/teeth mouse/mice goose/geese sheep/sheep fish/fish deer/deer knife/knives leaf/leaves "
    "wolf/wolves person/people ox/oxen life/lives wife/wives half/halves shelf/shelves loaf/loaves").split())
PLURAL_WORDS = ("apple banana orange pear peach grape cherry strawberry carrot potato tomato onion dog cat cow duck horse pig chicken frog bee bird lion "
                "tiger monkey rabbit snake bear fox camel ant spider butterfly car bus train ship boat taxi shirt hat coat shoe sock dress table chair "
                "bed desk book pen pencil door window key clock phone box bottle plate cup spoon city country baby story family lady party brush dish "
                "watch glass class bench church boy girl toy day tree flower river star house school teacher doctor friend child man woman foot tooth "
                "mouse goose sheep fish deer knife leaf wolf person ox life wife half shelf loaf").split()

PAST = dict(item.split("/") for item in (
    "go/went eat/ate drink/drank sleep/slept run/ran see/saw come/came write/wrote read/read sing/sang swim/swam speak/spoke buy/bought sell/sold "
    "think/thought teach/taught catch/caught bring/brought give/gave take/took make/made find/found tell/told say/said know/knew grow/grew fly/flew "
    "draw/drew begin/began break/broke drive/drove ride/rode win/won lose/lost sit/sat stand/stood hear/heard feel/felt leave/left meet/met walk/walked "
    "play/played look/looked jump/jumped help/helped talk/talked wash/washed open/opened dance/danced love/loved live/lived like/liked "
    "cook/cooked work/worked watch/watched").split())

# Country, its capital, language, continent; the same in Chinese.
COUNTRIES = table("""
China | Beijing | Chinese | Asia | 中国 | 北京 | 汉语 | 亚洲
Japan | Tokyo | Japanese | Asia | 日本 | 东京 | 日语 | 亚洲
South Korea | Seoul | Korean | Asia | 韩国 | 首尔 | 韩语 | 亚洲
India | New Delhi | Hindi | Asia | 印度 | 新德里 | 印地语 | 亚洲
Thailand | Bangkok | Thai | Asia | 泰国 | 曼谷 | 泰语 | 亚洲
Vietnam | Hanoi | Vietnamese | Asia | 越南 | 河内 | 越南语 | 亚洲
Mongolia | Ulaanbaatar | Mongolian | Asia | 蒙古 | 乌兰巴托 | 蒙古语 | 亚洲
Iran | Tehran | Persian | Asia | 伊朗 | 德黑兰 | 波斯语 | 亚洲
Turkey | Ankara | Turkish | Asia | 土耳其 | 安卡拉 | 土耳其语 | 亚洲
France | Paris | French | Europe | 法国 | 巴黎 | 法语 | 欧洲
Germany | Berlin | German | Europe | 德国 | 柏林 | 德语 | 欧洲
Italy | Rome | Italian | Europe | 意大利 | 罗马 | 意大利语 | 欧洲
Spain | Madrid | Spanish | Europe | 西班牙 | 马德里 | 西班牙语 | 欧洲
Portugal | Lisbon | Portuguese | Europe | 葡萄牙 | 里斯本 | 葡萄牙语 | 欧洲
England | London | English | Europe | 英国 | 伦敦 | 英语 | 欧洲
Russia | Moscow | Russian | Europe | 俄罗斯 | 莫斯科 | 俄语 | 欧洲
Greece | Athens | Greek | Europe | 希腊 | 雅典 | 希腊语 | 欧洲
Poland | Warsaw | Polish | Europe | 波兰 | 华沙 | 波兰语 | 欧洲
Sweden | Stockholm | Swedish | Europe | 瑞典 | 斯德哥尔摩 | 瑞典语 | 欧洲
Norway | Oslo | Norwegian | Europe | 挪威 | 奥斯陆 | 挪威语 | 欧洲
Finland | Helsinki | Finnish | Europe | 芬兰 | 赫尔辛基 | 芬兰语 | 欧洲
Denmark | Copenhagen | Danish | Europe | 丹麦 | 哥本哈根 | 丹麦语 | 欧洲
Hungary | Budapest | Hungarian | Europe | 匈牙利 | 布达佩斯 | 匈牙利语 | 欧洲
Austria | Vienna | German | Europe | 奥地利 | 维也纳 | 德语 | 欧洲
Egypt | Cairo | Arabic | Africa | 埃及 | 开罗 | 阿拉伯语 | 非洲
Kenya | Nairobi | Swahili | Africa | 肯尼亚 | 内罗毕 | 斯瓦希里语 | 非洲
Canada | Ottawa | English | North America | 加拿大 | 渥太华 | 英语 | 北美洲
Mexico | Mexico City | Spanish | North America | 墨西哥 | 墨西哥城 | 西班牙语 | 北美洲
Cuba | Havana | Spanish | North America | 古巴 | 哈瓦那 | 西班牙语 | 北美洲
Brazil | Brasilia | Portuguese | South America | 巴西 | 巴西利亚 | 葡萄牙语 | 南美洲
Argentina | Buenos Aires | Spanish | South America | 阿根廷 | 布宜诺斯艾利斯 | 西班牙语 | 南美洲
Peru | Lima | Spanish | South America | 秘鲁 | 利马 | 西班牙语 | 南美洲
Chile | Santiago | Spanish | South America | 智利 | 圣地亚哥 | 西班牙语 | 南美洲
Australia | Canberra | English | Oceania | 澳大利亚 | 堪培拉 | 英语 | 大洋洲
""")

# Animal, legs, the sound it makes; the same in Chinese. An empty cell says nothing.
ANIMALS = table("""
dog | four | woof | 狗 | 四 | 汪汪
cat | four | meow | 猫 | 四 | 喵喵
cow | four | moo | 牛 | 四 | 哞哞
duck | two | quack | 鸭子 | 两 | 嘎嘎
sheep | four | baa | 羊 | 四 | 咩咩
horse | four | neigh | 马 | 四 | 咴咴
pig | four | oink | 猪 | 四 | 哼哼
chicken | two | cluck | 鸡 | 两 | 咯咯
frog | four | croak | 青蛙 | 四 | 呱呱
bee | six | buzz | 蜜蜂 | 六 | 嗡嗡
bird | two | tweet | 鸟 | 两 | 叽叽
lion | four | roar | 狮子 | 四 | 嗷嗷
mouse | four | squeak | 老鼠 | 四 | 吱吱
snake | no | hiss | 蛇 | 零 | 嘶嘶
owl | two | hoot | 猫头鹰 | 两 | 咕咕
spider | eight | | 蜘蛛 | 八 |
ant | six | | 蚂蚁 | 六 |
butterfly | six | | 蝴蝶 | 六 |
rabbit | four | | 兔子 | 四 |
tiger | four | | 老虎 | 四 |
elephant | four | | 大象 | 四 |
penguin | two | | 企鹅 | 两 |
fish | no | | 鱼 | 零 |
eagle | two | | 老鹰 | 两 |
""")

HOMES = table("""
fish | in the water | 鱼 | 水里
bird | in a nest | 鸟 | 鸟巢里
bee | in a hive | 蜜蜂 | 蜂巢里
lion | on the savanna | 狮子 | 草原上
camel | in the desert | 骆驼 | 沙漠里
penguin | in Antarctica | 企鹅 | 南极
monkey | in the trees | 猴子 | 树上
whale | in the sea | 鲸鱼 | 大海里
pig | in a pigsty | 猪 | 猪圈里
wolf | in the forest | 狼 | 森林里
rabbit | in a burrow | 兔子 | 洞里
spider | in a web | 蜘蛛 | 网上
frog | in the pond | 青蛙 | 池塘里
panda | in the bamboo forest | 熊猫 | 竹林里
horse | in a stable | 马 | 马棚里
""")

FOOD = table("""
cow | grass | 牛 | 草
panda | bamboo | 熊猫 | 竹子
monkey | bananas | 猴子 | 香蕉
rabbit | carrots | 兔子 | 胡萝卜
cat | fish | 猫 | 鱼
mouse | cheese | 老鼠 | 大米
lion | meat | 狮子 | 肉
frog | insects | 青蛙 | 虫子
bear | honey | 熊 | 蜂蜜
sheep | grass | 羊 | 草
dog | bones | 狗 | 骨头
squirrel | nuts | 松鼠 | 坚果
chicken | grain | 鸡 | 谷子
""")

BABIES = table("""
dog | puppy | 狗 | 小狗
cat | kitten | 猫 | 小猫
cow | calf | 牛 | 小牛
sheep | lamb | 羊 | 羊羔
horse | foal | 马 | 小马
pig | piglet | 猪 | 小猪
duck | duckling | 鸭子 | 小鸭
chicken | chick | 鸡 | 小鸡
frog | tadpole | 青蛙 | 蝌蚪
lion | cub | 狮子 | 小狮子
""")

TASTES = table("""
lemon | sour | 柠檬 | 酸的
vinegar | sour | 醋 | 酸的
plum | sour | 青梅 | 酸的
sugar | sweet | 糖 | 甜的
honey | sweet | 蜂蜜 | 甜的
cake | sweet | 蛋糕 | 甜的
candy | sweet | 糖果 | 甜的
watermelon | sweet | 西瓜 | 甜的
salt | salty | 盐 | 咸的
sea water | salty | 海水 | 咸的
soy sauce | salty | 酱油 | 咸的
coffee | bitter | 咖啡 | 苦的
medicine | bitter | 药 | 苦的
chili | spicy | 辣椒 | 辣的
ginger | spicy | 生姜 | 辣的
""")

# What one does with a thing.
USES = table("""
cut paper | scissors | 剪纸 | 剪刀
drive a nail | a hammer | 钉钉子 | 锤子
write on paper | a pen | 写字 | 笔
eat soup | a spoon | 喝汤 | 勺子
open a lock | a key | 开锁 | 钥匙
sweep the floor | a broom | 扫地 | 扫帚
tell the time | a clock | 看时间 | 时钟
take photos | a camera | 拍照 | 相机
stay dry in the rain | an umbrella | 挡雨 | 雨伞
measure length | a ruler | 量长度 | 尺子
sew clothes | a needle | 缝衣服 | 针
dig a hole | a shovel | 挖洞 | 铲子
call a friend | a phone | 打电话 | 电话
brush our teeth | a toothbrush | 刷牙 | 牙刷
cut wood | a saw | 锯木头 | 锯子
wash our hands | soap | 洗手 | 肥皂
comb our hair | a comb | 梳头发 | 梳子
boil water | a kettle | 烧水 | 水壶
keep food cold | a fridge | 冷藏食物 | 冰箱
see small things | a microscope | 看很小的东西 | 显微镜
""")

SENSES = table("""
see | eyes | 看东西 | 眼睛
hear | ears | 听声音 | 耳朵
smell | nose | 闻气味 | 鼻子
taste | tongue | 尝味道 | 舌头
walk | feet | 走路 | 脚
hold things | hands | 拿东西 | 手
chew | teeth | 嚼食物 | 牙齿
think | brain | 思考 | 大脑
breathe | lungs | 呼吸 | 肺
""")

JOBS = table("""
teaches students | teacher | 教学生 | 老师
treats sick people | doctor | 给人看病 | 医生
grows food | farmer | 种庄稼 | 农民
cooks meals | cook | 做饭 | 厨师
puts out fires | firefighter | 灭火 | 消防员
flies planes | pilot | 开飞机 | 飞行员
drives a bus | bus driver | 开公共汽车 | 司机
catches thieves | police officer | 抓小偷 | 警察
writes books | writer | 写书 | 作家
paints pictures | painter | 画画 | 画家
bakes bread | baker | 烤面包 | 面包师
catches fish | fisherman | 捕鱼 | 渔夫
fixes teeth | dentist | 看牙 | 牙医
makes clothes | tailor | 做衣服 | 裁缝
delivers letters | postman | 送信 | 邮递员
cuts hair | barber | 理发 | 理发师
""")

PLACES = table("""
borrow books | library | 借书 | 图书馆
see a doctor | hospital | 看病 | 医院
study | school | 上学 | 学校
take a plane | airport | 坐飞机 | 机场
take a train | station | 坐火车 | 火车站
watch a film | cinema | 看电影 | 电影院
see many animals | zoo | 看很多动物 | 动物园
buy food | market | 买菜 | 市场
save money | bank | 存钱 | 银行
see old paintings | museum | 看古画 | 博物馆
eat out | restaurant | 吃饭 | 餐馆
post a letter | post office | 寄信 | 邮局
swim | swimming pool | 游泳 | 游泳池
stay on a trip | hotel | 旅行时住宿 | 酒店
""")

# Animals from the smallest to the largest.
SIZES = pairs("ant=蚂蚁; bee=蜜蜂; mouse=老鼠; frog=青蛙; rabbit=兔子; cat=猫; dog=狗; sheep=羊; pig=猪; tiger=老虎; horse=马; camel=骆驼; giraffe=长颈鹿; "
              "elephant=大象; whale=鲸鱼")

DAYS_EN = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
DAYS_ZH = "星期一 星期二 星期三 星期四 星期五 星期六 星期日".split()
MONTHS_EN = "January February March April May June July August September October November December".split()
MONTHS_ZH = "一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月".split()
SEASONS_EN = "spring summer autumn winter".split()
SEASONS_ZH = "春天 夏天 秋天 冬天".split()
NUMBERS_EN = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen "
              "twenty").split()
NUMBERS_ZH = "零 一 二 三 四 五 六 七 八 九 十 十一 十二 十三 十四 十五 十六 十七 十八 十九 二十".split()

# Noun, its measure word.
MEASURE_WORDS = [tuple(item.split("/")) for item in (
    "书/本 纸/张 笔/支 狗/只 猫/只 鱼/条 马/匹 牛/头 车/辆 飞机/架 船/艘 树/棵 花/朵 房子/座 桥/座 山/座 河/条 衣服/件 裤子/条 鞋/双 筷子/双 水/杯 茶/杯 "
    "米饭/碗 苹果/个 西瓜/个 老师/位 医生/位 学生/个 电脑/台 电视/台 灯/盏 刀/把 伞/把 椅子/把 桌子/张 床/张 信/封 歌/首 诗/首 电影/部 雨/场").split()]
